"""A world in which a gate stands on the fakes of the approvals plugin."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from handrail.approvals.adapters.ed25519_people import Ed25519Check
from handrail.approvals.custody_ports import SnapshotBook
from handrail.approvals.domain.events import Choice
from handrail.approvals.domain.judging import Verdict
from handrail.approvals.domain.prompts import prompt_address, prompt_texts
from handrail.approvals.domain.subject import Candidate
from handrail.approvals.domain.terms import Terms
from handrail.approvals.finding_ports import FindingBook
from handrail.approvals.ports import Signer
from handrail.approvals.service import EvaluationPorts, Evaluations, Gate, GatePorts, Guard, Limits, Opening
from handrail.approvals.service.attestations import Attestations
from handrail.approvals.service.changes import ChangesUnderWay
from handrail.approvals.service.holding import Holding
from handrail.approvals.service.moves import Mover
from handrail.approvals.service.reading import TreeReader
from handrail.approvals.service.row_custody import RowCustody
from tests.fakes.approvals import (
    EVIDENCE,
    FakeRegistry,
    FakeSigner,
    FakeTrees,
    MemoryJournal,
    MemoryLedger,
    MemoryShelf,
)
from tests.fakes.approvals_attesting import FakeIdentities, MemoryNonces
from tests.fakes.approvals_custody import MemoryHolds, MemoryProvenance
from tests.fakes.approvals_evidence import (
    FakeEvaluator,
    FakeEvidenceFiles,
    FakePlans,
    FakeTraces,
    MemoryCopies,
    MemoryLooks,
    MemorySnapshots,
    ReadingsAtOnce,
)
from tests.fakes.approvals_findings import MemoryFindings
from tests.fakes.approvals_rows import MemoryBook, MemoryPredictions
from tests.fakes.approvals_rules import FakeRules
from tests.fakes.approvals_signatures import FakeCheck

TERMS = Terms("local", datetime(2027, 1, 1, tzinfo=UTC), counter=1)
"""The terms of a permit of this world."""


class TickingClock:
    """System time that moves a second at each look."""

    def __init__(self) -> None:
        self.now = datetime(2026, 1, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        self.now += timedelta(seconds=1)
        return self.now


@dataclass
class World:
    """A gate over fakes, with version 1 of `flights` made by Ada."""

    ledger: MemoryLedger = field(default_factory=MemoryLedger)
    provenance: MemoryProvenance = field(default_factory=MemoryProvenance)
    holds: MemoryHolds = field(default_factory=MemoryHolds)
    registry: FakeRegistry = field(default_factory=FakeRegistry)
    trees: FakeTrees = field(default_factory=FakeTrees)
    rules: FakeRules = field(default_factory=FakeRules)
    shelf: MemoryShelf = field(default_factory=MemoryShelf)
    journal: MemoryJournal = field(default_factory=MemoryJournal)
    clock: TickingClock = field(default_factory=TickingClock)
    signer: Signer = field(default_factory=FakeSigner)
    snapshots: MemorySnapshots = field(default_factory=MemorySnapshots)
    book: SnapshotBook = field(init=False)
    predictions: MemoryPredictions = field(init=False)
    looks: MemoryLooks = field(default_factory=MemoryLooks)
    plans: FakePlans = field(default_factory=FakePlans)
    evaluator: FakeEvaluator = field(default_factory=FakeEvaluator)
    files: FakeEvidenceFiles = field(default_factory=FakeEvidenceFiles)
    traces: FakeTraces = field(default_factory=FakeTraces)
    readings: ReadingsAtOnce = field(default_factory=ReadingsAtOnce)
    waiting: list[str] = field(default_factory=list)
    findings: FindingBook = field(default_factory=MemoryFindings)
    identities: FakeIdentities = field(default_factory=FakeIdentities)
    nonces: MemoryNonces = field(default_factory=MemoryNonces)
    limits: Limits = field(default_factory=Limits)

    def __post_init__(self) -> None:
        self.copies = MemoryCopies(self.trees)
        self.book = MemoryBook(self.snapshots)
        self.predictions = MemoryPredictions(self.clock)
        self.restart()
        self.register(1)

    def restart(self) -> None:
        """Open the gate again over the same stores, as a new process would."""
        self.changes = ChangesUnderWay()
        self.reader = TreeReader(self.readings, self.trees, self.copies)
        self.holding = Holding(
            holds=self.holds,
            registry=self.registry,
            index=self.ledger,
            provenance=self.provenance,
            rules=self.rules,
            reader=self.reader,
            changes=self.changes,
            clock=self.clock,
            released_after=timedelta(days=30),
        )
        self.mover = Mover(
            environment="local",
            ledger=self.ledger,
            index=self.ledger,
            registry=self.registry,
            rules=self.rules,
            signer=self.signer,
            shelf=self.shelf,
            journal=self.journal,
            clock=self.clock,
            findings=self.findings,
            holding=self.holding,
        )
        self.attestations = Attestations(self.identities, Ed25519Check(), self.nonces, self.rules, self.clock)
        self.custody = RowCustody(self.snapshots, self.book, self.predictions, self.plans, self.rules, self.clock)
        ports = GatePorts(
            self.ledger,
            self.ledger,
            self.provenance,
            self.registry,
            self.reader,
            self.rules,
            self.snapshots,
            self.files,
            self.copies,
            self.findings,
            FakeCheck(),
            self.attestations,
            self.traces,
            self.custody,
            self.evaluator,
        )
        evaluation = EvaluationPorts(
            self.ledger,
            self.ledger,
            self.copies,
            self.plans,
            self.snapshots,
            self.looks,
            self.evaluator,
            self.custody,
        )
        self.gate = Gate("local-1", ports, self.mover, self.clock, self.waiting.append, self.limits)
        self.evaluations = Evaluations(evaluation, self.clock)
        self.guard = Guard(self.rules, self.holds, self.provenance, self.changes)

    def register(self, version: int, author: str = "ada", *, epoch: int = 1, created: int | None = None) -> Candidate:
        """Register a version with its own files."""
        tree = f"/artifacts/{epoch}/{version}/model"
        made = created or 100 * epoch + version
        candidate = Candidate("flights", epoch, version, made, tree, f"run-{version}", "1")
        self.registry.versions["flights", version] = candidate
        self.trees.content[tree] = {"MLmodel": b"format: skops", "onnx/model.onnx": b"weights %d" % version}
        self.provenance.record("version", candidate.key, author)
        self.provenance.record("run", f"run-{version}", author)
        for folder in (tree, f"{tree}/onnx"):
            self.provenance.record("path", folder, author)
        return candidate

    def register_prompt(self, version: int, author: str = "ada", **parts: Any) -> Candidate:
        """Register a version of the prompt `greeting`, or write one anew, with these parts of `prompt_texts`."""
        texts = prompt_texts(**{"template": f"Hello {{{{name}}}}, {version}"} | parts)
        address = prompt_address("greeting", version)
        candidate = Candidate("greeting", 7, version, 700 + version, address, texts=texts)
        self.registry.versions["greeting", version] = candidate
        self.provenance.record("version", candidate.key, author)
        self.provenance.record("path", address, author)
        return candidate

    def ask(self, **changes: Any) -> str:
        """Ask for a promotion as Ada; return the id of the request."""
        return self.gate.open_request(opening(**changes), "ada").history.request.request_id

    def say(self, request_id: str, account: str, choice: Choice = Choice.APPROVE) -> Verdict:
        """Decide on a request; return the verdict after it."""
        return self.gate.decide(request_id, account, choice, "looked at it").judgement.verdict

    def champion(self) -> int | None:
        """Return the version that the alias points at."""
        return self.registry.incumbent("flights", "champion")

    def promote(self, version: int = 1) -> str:
        """Ask for a version, and approve it with everybody who has to."""
        request_id = self.ask(version=str(version), evidence=EVIDENCE | {"comparison": {"ci_low": 0.01}})
        self.say(request_id, "ben")
        assert self.say(request_id, "cleo") is Verdict.PROMOTED
        return request_id

    def change_rules(self, **changes: Any) -> None:
        """Write another policy for champion."""
        self.rules.policies["champion"] = replace(self.rules.policies["champion"], **changes)


def opening(version: int | str = 1, **changes: Any) -> Opening:
    """What Ada sends for version 1."""
    return replace(Opening("flights", str(version), "champion", "better in July", EVIDENCE), **changes)
