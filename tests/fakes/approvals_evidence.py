"""Fakes of the ports by which the gate looks at evidence itself, and a plan for them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO

import yaml

from handrail.approvals.domain.cases import DECIDED, MEASURED, CasesPlan, Grouping, Measure, gain_of, read_cases
from handrail.approvals.domain.cases import Measured as KnownOfAll
from handrail.approvals.domain.described_rows import RowsDescribed
from handrail.approvals.domain.errors import StillReading
from handrail.approvals.domain.evaluation import (
    COMPARED,
    FORETOLD,
    Columns,
    Evaluation,
    EvaluationPlan,
    Question,
    names_of,
)
from handrail.approvals.domain.formats import formats_in
from handrail.approvals.domain.prompts import manifest_of_texts
from handrail.approvals.domain.row_custody import HandedIn
from handrail.approvals.domain.subject import Candidate
from handrail.approvals.domain.tracing import MOST_SHOWN, Traced
from handrail.approvals.domain.wording import Wording
from handrail.approvals.evidence_ports import (
    EvaluationPlans,
    Evaluator,
    EvidenceFiles,
    LineageTraces,
    Looks,
    Outcome,
    Readings,
    Snapshots,
    TreeCopies,
)
from handrail.errors import InvalidInput, Refused, UnknownReference
from handrail.manifest import FileEntry, Manifest, digest_of
from tests.fakes.approvals import FakeTrees

CASES = CasesPlan(
    measures=(
        Measure("roc_auc", "ROC-AUC", "how well late ones are ranked", "higher"),
        Measure("log_loss", "Log loss", "error that punishes false certainty", "lower"),
        Measure("found", "Late flights found", "of the late flights, the share called late", "higher", "share"),
        Measure("right", "Calls that were right", "of the flights called late, the share", "higher", "share"),
        Measure("called", "Flights called late", "share of all flights", "neither", "share"),
    ),
    groupings=(
        Grouping("carrier", "carrier", "carrier {value}", "all other carriers"),
        Grouping("hour", "minute_of_day", "departs at {value} h", "departs at any other hour", per=60),
    ),
    least_rows=50,
)
PLAN = EvaluationPlan(
    model="flights",
    kind="binary",
    columns=Columns("late", "day", "flight_id", ("late", "flight_id")),
    main="roc_auc",
    margin=0.005,
    metrics=("roc_auc", "log_loss"),
    looks=3,
    cases=CASES,
)


WORDING = Wording(
    "Will a flight land more than 15 minutes late?",
    "Answered two hours before scheduled departure, for the staff that plan around delays.",
    ("late", "punctual"),
    one="flight",
    many="flights",
    positive="landed late",
    called="called late",
    clusters="whole days",
)


class MemorySnapshots(Snapshots):
    """`Snapshots` in memory."""

    def __init__(self) -> None:
        self.kept: dict[str, bytes] = {}
        self.accounts: dict[str, set[str]] = {}
        self.rows: dict[tuple[str, str, str], HandedIn] = {}

    def keep(self, content: BinaryIO, model: str, account: str, at: datetime) -> str:
        sent = content.read()
        if not (sent.startswith(b"PAR1") and sent.endswith(b"PAR1")):
            raise InvalidInput("body", "it is not a Parquet file", "Hand in one.")
        digest = f"sha256:{hashlib.sha256(sent).hexdigest()}"
        self.kept[digest] = sent
        self.accounts.setdefault(digest, set()).add(account)
        self.rows.setdefault((digest, model, account), HandedIn(digest, model, account, at))
        return digest

    def path(self, digest: str) -> str:
        if digest not in self.kept:
            raise UnknownReference("snapshot", digest, "Hand it in first.", "snapshot")
        return f"/labels/{digest}"

    def custodians(self, digest: str) -> tuple[str, ...]:
        return tuple(sorted(self.accounts.get(digest, ())))


class MemoryLooks(Looks):
    """`Looks` in memory."""

    def __init__(self) -> None:
        self.trees: dict[tuple[str, str], set[str]] = {}

    def look(self, model: str, snapshot: str, tree_digest: str, budget: int) -> int | None:
        looked = self.trees.setdefault((model, snapshot), set())
        if tree_digest not in looked and len(looked) >= budget:
            return len(looked)
        looked.add(tree_digest)
        return None


class FakePlans(EvaluationPlans):
    """`EvaluationPlans` for one model."""

    def __init__(self) -> None:
        self.plans = {"flights": PLAN}

    def plan(self, model: str) -> EvaluationPlan:
        if model not in self.plans:
            raise UnknownReference("model to measure", model, "config/evaluation.yaml names flights.", "model")
        return self.plans[model]

    def wording(self, model: str) -> Wording:
        self.plan(model)
        return WORDING


class FakeEvaluator(Evaluator):
    """`Evaluator` that knows each model's quality by the bytes of its ONNX file; `fail_with` ends every question."""

    def __init__(self) -> None:
        self.quality: dict[bytes, float] = {}
        self.fail_with: Exception | None = None
        self.asked: list[Question] = []
        self.described = 0
        self.holds = RowsDescribed(1000, 1000, 30, "2013-07-01", "2013-07-30", ("late", "day"), {"0": 0.8, "1": 0.2})

    def evaluate(self, question: Question) -> Evaluation:
        self.asked.append(question)
        if self.fail_with:
            raise self.fail_with
        mine = self.quality.get(question.candidate.network, 0.76)
        evaluation = {name: mine for name in names_of(question.plan)} | {"rows": 1000, "clusters": 30}
        comparison = None
        if question.incumbent:
            delta = mine - self.quality.get(question.incumbent.network, 0.76)
            comparison = {name: delta for name in COMPARED} | {"n": 1000, "clusters": 30}
        cases, prospective = cases_like(question.plan, evaluation, comparison), None
        if question.foretold:
            prospective = dict.fromkeys(FORETOLD, 0.0) | {"rows": 300 * len(question.foretold.files)}
            prospective |= dict.fromkeys(question.plan.metrics, mine) if question.foretold.files else {}
        return Evaluation(evaluation, comparison, "0" * 64, {"network": "none"}, cases, prospective)

    def describe(self, plan: EvaluationPlan, snapshot: str, digest: str) -> RowsDescribed:
        self.described += 1
        if self.fail_with:
            raise self.fail_with
        return self.holds


def cases_like(plan: EvaluationPlan, evaluation: Mapping[str, float], comparison: Mapping[str, float] | None) -> Any:
    """Return cases that fit these numbers, with one group for each slice."""
    known = KnownOfAll(plan.main, plan.better, evaluation, comparison)
    measures: dict[str, Any] = {}
    for measure in plan.cases.measures:
        measures[measure.name] = dict.fromkeys(MEASURED)
        if measure.name in plan.metrics:
            ends = {f"candidate{end}": evaluation[f"{measure.name}{end}"] for end in ("", "_low", "_high")}
            measures[measure.name] |= ends
        if measure.name == plan.main and comparison:
            measures[measure.name] |= gain_of(comparison, plan.better)
    shares = dict.fromkeys(DECIDED) | {"found_candidate": 0.2, "right_candidate": 0.5, "called_candidate": 0.1}
    whole = {"value": None, "rows": int(evaluation["rows"]), **shares}
    places = range(len(plan.cases.groupings))
    groups = [{"grouping": place, **whole, "silent": False, **measures[plan.main]} for place in places]
    return read_cases(
        {"measures": measures, "groups": groups, "missing": [], "span": ["2013-07-01", "2013-07-30"]}, plan.cases, known
    )


class FakeEvidenceFiles(EvidenceFiles):
    """`EvidenceFiles` by run and path."""

    def __init__(self) -> None:
        self.files: dict[tuple[str, str], bytes] = {}

    def read(self, run_id: str, path: str) -> tuple[str, bytes]:
        if path.startswith("/") or ".." in path.split("/"):
            raise Refused(f"The evidence {path!r}", ("It is elsewhere.",))
        if (run_id, path) not in self.files:
            raise UnknownReference("file", path, "Log it first.", "path")
        return f"/artifacts/{run_id}/{path.rpartition('/')[0]}".rstrip("/"), self.files[run_id, path]


class MemoryCopies(TreeCopies):
    """`TreeCopies` of the trees of a `FakeTrees`, in memory."""

    def __init__(self, trees: FakeTrees) -> None:
        self.trees = trees
        self.kept: dict[str, tuple[Manifest, dict[str, bytes]]] = {}
        self.taken: dict[str, datetime] = {}

    def take(self, tree: str) -> Manifest:
        manifest = self.trees.manifest(tree)
        self.kept[manifest.digest] = (manifest, dict(self.trees.content[tree]))
        self.taken[manifest.digest] = datetime.now(UTC)
        return manifest

    def take_texts(self, texts: Mapping[str, str]) -> Manifest:
        manifest = manifest_of_texts(texts)
        self.kept[manifest.digest] = (manifest, {path: text.encode("utf-8") for path, text in texts.items()})
        self.taken[manifest.digest] = datetime.now(UTC)
        return manifest

    def keeps(self, tree_digest: str) -> bool:
        return tree_digest in self.kept

    def manifest(self, tree_digest: str) -> Manifest:
        return self._tree(tree_digest)[0]

    def read(self, entry: FileEntry) -> bytes:
        for manifest, content in self.kept.values():
            for file in manifest.files:
                if file.sha256 == entry.sha256:
                    return content[file.path]
        raise Refused(f"Reading {entry.path!r}", ("It is not kept.",))

    def formats(self, tree_digest: str) -> Mapping[str, str]:
        content = self._tree(tree_digest)[1]
        described = content.get("MLmodel")
        return formats_in(content, yaml.safe_load(described) if described else None)

    def _tree(self, tree_digest: str) -> tuple[Manifest, dict[str, bytes]]:
        if tree_digest not in self.kept:
            raise UnknownReference("copy of a tree", tree_digest, "Ask for it first.")
        return self.kept[tree_digest]

    def lay_out(self, tree_digest: str, into: Path) -> Manifest:
        manifest, content = self._tree(tree_digest)
        for path, written in content.items():
            (into / path).parent.mkdir(parents=True, exist_ok=True)
            (into / path).write_bytes(written)
        return manifest

    def collect(self, keep: Collection[str], before: datetime) -> int:
        gone = [digest for digest in self.kept if digest not in keep and self.taken[digest] < before]
        return sum(len(self.kept.pop(digest)[1]) + 1 for digest in gone)


class ReadingsAtOnce(Readings):
    """`Readings` that end within the call; while `is_slow` each goes on after it."""

    def __init__(self) -> None:
        self.is_slow = False
        self.under_way: dict[str, Callable[[], object]] = {}

    def outcome(self, work: str, label: str, read: Callable[[], Outcome]) -> Outcome:
        if self.is_slow:
            self.under_way.setdefault(work, read)
            raise StillReading(label, "its files are being read", 1)
        self.under_way.pop(work, None)
        return read()


class FakeTraces(LineageTraces):
    """`LineageTraces` of versions whose trace is complete but for the sentences in `gaps`; `fail_with` ends each look.

    `trees` has the digest of a version's files by its number, where lineage knows another one.
    """

    def __init__(self) -> None:
        self.gaps: dict[int, tuple[str, ...]] = {}
        self.trees: dict[int, str] = {}
        self.fail_with: Exception | None = None
        self.looks = 0

    def traced(self, candidate: Candidate, tree_digest: str) -> Traced:
        self.looks += 1
        if self.fail_with:
            raise self.fail_with
        found = self.gaps.get(candidate.version, ())
        if self.trees.get(candidate.version, tree_digest) != tree_digest:
            found += (f"Lineage does not say that version {candidate.version} holds {tree_digest}.",)
        gaps = tuple(sorted(found))
        return Traced((f"git://shop/{'c' * 40}",), 2, digest_of([candidate.version]), len(gaps), gaps[:MOST_SHOWN])
