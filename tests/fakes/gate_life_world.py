"""A world for random lives of a gate: rules by the ledger, real signatures, and a process that can end at any write."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from handrail.approvals.adapters.ed25519_permits import Ed25519Signer, PermitVerifier
from handrail.approvals.adapters.kept_texts import KeptRules, RulesByLedger, rule_set_of
from handrail.approvals.domain.subject import Candidate
from handrail.approvals.finding_ports import FindingBook
from handrail.approvals.ports import Holds, Ledger, Provenance
from handrail.approvals.rule_ports import RuleRecords
from handrail.approvals.service.rule_changes import RuleChanges
from handrail.approvals.service.signing import Signatures
from handrail.approvals.service.standing import StandingWatch
from handrail.refs import Use
from tests.fakes.approvals import FakeRegistry, MemoryLedger, MemoryShelf
from tests.fakes.approvals_custody import MemoryHolds, MemoryProvenance
from tests.fakes.approvals_evidence import MemoryCopies
from tests.fakes.approvals_findings import MemoryFindings
from tests.fakes.approvals_rows import MemoryBook, MemoryPredictions
from tests.fakes.approvals_rules import MemoryTexts
from tests.fakes.approvals_ruling import RulesInMemory
from tests.fakes.approvals_signatures import FakeCheck
from tests.fakes.approvals_world import World


class Killed(BaseException):
    """The process ends here."""


class Writes:
    """Counts the moments before and after each write; at the one that `end_in` names the process ends."""

    def __init__(self) -> None:
        self.left: int | None = None

    def end_in(self, moments: int | None) -> None:
        self.left = moments

    def pass_one(self) -> None:
        if self.left is None:
            return
        if self.left == 0:
            self.left = None
            raise Killed
        self.left -= 1


class Killable:
    """An adapter whose writes, which are named, are counted."""

    def __init__(self, port: object, writes: Writes, *names: str) -> None:
        self._port, self._writes, self._names = port, writes, names

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._port, name)
        if name not in self._names:
            return found

        def write(*args: object, **named: object) -> object:
            self._writes.pass_one()
            result = found(*args, **named)
            self._writes.pass_one()
            return result

        return write


@dataclass
class Stores:
    """Where everything is that outlives the process; `problems` says what in it contradicts the log."""

    ledger: Ledger = field(default_factory=MemoryLedger)
    records: RuleRecords = field(default_factory=RulesInMemory)
    provenance: Provenance = field(default_factory=MemoryProvenance)
    holds: Holds = field(default_factory=MemoryHolds)
    findings: FindingBook = field(default_factory=MemoryFindings)
    problems: Callable[[], Sequence[str]] = list


class LivingWorld(World):
    """A gate over stores whose rules are those of its ledger; the files of the project are texts that propose."""

    def __init__(self, stores: Stores, folder: Path, rules: Mapping[str, Any]) -> None:
        self.folder, self.writes, self.texts = folder, Writes(), MemoryTexts()
        self.problems = stores.problems
        self.records: Any = Killable(stores.records, self.writes, "take", "open", "append")
        self.write_files(rules)
        named: dict[str, Any] = {
            "ledger": Killable(stores.ledger, self.writes, "open", "append"),
            "findings": Killable(stores.findings, self.writes, "append"),
            "holds": Killable(stores.holds, self.writes, "hold", "release"),
            "registry": Killable(FakeRegistry(), self.writes, "point"),
            "shelf": Killable(MemoryShelf(), self.writes, "put", "put_revoked"),
            "rules": RulesByLedger(self.records),
            "signer": Ed25519Signer(folder / "gate.pem", folder / "gate.pub"),
            "provenance": stores.provenance,
        }
        super().__init__(**named)

    def __post_init__(self) -> None:
        self.copies = MemoryCopies(self.trees)
        self.book = MemoryBook(self.snapshots)
        self.predictions = MemoryPredictions(self.clock)
        self.restart()

    def write_files(self, rules: Mapping[str, Any]) -> None:
        """Write policies and roles as people would; nothing is in force by it."""
        self.texts.policies = {name: _yaml(policy) for name, policy in rules["policies"].items()}
        self.texts.persons = _yaml({"version": 1, **rules["roles"]})

    def restart(self) -> None:
        """Start another process over the same stores: it takes up what was interrupted, as the server does."""
        super().restart()
        files = lambda: rule_set_of(self.texts, self.folder / "project")  # noqa: E731 - a port of one call
        self.rule_changes = RuleChanges(
            self.records, files, KeptRules, self.clock, "owner", Signatures("local-1", FakeCheck())
        )
        self.rule_changes.start()

    def look_after(self) -> None:
        """Do what the server does each minute."""
        self.gate.expiry.sweep()
        self.gate.glass.watch()
        StandingWatch(self.holding).report()

    def put_version(self, model: str, version: int, serial: int, files: Mapping[str, bytes], account: str) -> Candidate:
        """Register files as a version, made by an account in a run of its own."""
        tree, run = f"/artifacts/{serial}/model", f"run-{serial}"
        epoch = min((known.epoch for known in self.registry.versions.values() if known.model == model), default=serial)
        candidate = Candidate(model, epoch, version, serial, tree, run, str(serial))
        self.guard.made("run", run, account)
        self.trees.content[tree] = {}
        for path, content in files.items():
            self.write(candidate, path, content, account)
        self.guard.made("version", candidate.key, account)
        self.registry.versions[model, version] = candidate
        return candidate

    def write(self, candidate: Candidate, path: str, content: bytes, account: str) -> None:
        """Upload a file as an account, as the guarded server does.

        Raises:
            Protected: the files are held.
        """
        folder, _, name = f"{candidate.tree}/{path}".rpartition("/")
        self.guard.write(f"{folder}/{name}")
        self.guard.uploaded(folder, _sha256(content), account)
        self.trees.content[candidate.tree][path] = content

    def remove(self, candidate: Candidate, path: str, account: str) -> None:
        """Delete a file as an account.

        Raises:
            Protected: the files are held.
        """
        self.guard.write(f"{candidate.tree}/{path}")
        self.guard.made("path", f"{candidate.tree}/{path}".rpartition("/")[0], account)
        self.trees.content[candidate.tree].pop(path)

    def loads(self, envelope: str, files: Mapping[str, bytes], use: Use, into: Path) -> str:
        """Verify these bytes for a use by a permit, as a service does; return its id.

        Raises:
            UnverifiedBytes: they may not be loaded for this.
        """
        tree, revoked = into / "tree", into / "revoked.dsse"
        for path, content in files.items():
            (tree / path).parent.mkdir(parents=True, exist_ok=True)
            (tree / path).write_bytes(content)
        revoked.write_text(self.shelf.revoked or self.gate.revoker.envelope())
        verifier = PermitVerifier(self.folder / "gate.pub", revoked=revoked, clock=self.clock)
        permit = verifier.verify(tree, envelope.encode(), into / "copy", use)
        loaded = {path: (into / "copy" / path).read_bytes() for path in files}
        assert loaded == files, "The copy holds other bytes than were verified."
        return permit.request_id


def texts_of(rules: Mapping[str, Any]) -> dict[str, str]:
    """Return the texts of rules by their names, as they come into force."""
    policies = {f"policies/{name}.yaml": _yaml(policy) for name, policy in rules["policies"].items()}
    return {"roles.yaml": _yaml({"version": 1, **rules["roles"]}), **policies}


def _yaml(values: Mapping[str, Any]) -> str:
    dumper = type("Plain", (yaml.SafeDumper,), {"ignore_aliases": lambda *_: True})
    return yaml.dump(values, Dumper=dumper)


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
