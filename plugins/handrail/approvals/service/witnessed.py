"""An evaluator that remembers what it has measured, so that nobody else's numbers pass for the gate's own."""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, replace

from handrail.approvals.domain.described_rows import RowsDescribed
from handrail.approvals.domain.evaluation import Evaluation, EvaluationPlan, Package, Question
from handrail.approvals.domain.events import Evaluated, History
from handrail.approvals.evidence_ports import Evaluator
from handrail.approvals.ports import RequestIndex
from handrail.approvals.service.evaluations import NETWORK, SCORING
from handrail.approvals.service.row_custody import RowCustody
from handrail.manifest import Manifest, canonical_json

MOST_REMEMBERED = 1000


@dataclass(frozen=True, slots=True)
class Witnessed:
    """What was measured: the sha256 of files by path, not the files."""

    plan: EvaluationPlan
    candidate: Mapping[str, str]
    incumbent: Mapping[str, str] | None
    snapshot: str
    found: Evaluation
    tree_digest: str


class WitnessedEvaluator(Evaluator):
    """Keeps the promise of `Evaluator` by its own plans and snapshots, whatever the caller says of them."""

    def __init__(self, inner: Evaluator, custody: RowCustody, index: RequestIndex) -> None:
        """Measure with `inner`; `index` knows what aliases point at since a promotion."""
        self._inner, self._plans, self._custody, self._index = inner, custody.plans, custody, index
        self._snapshots = custody.snapshots
        self._measured: deque[Witnessed] = deque(maxlen=MOST_REMEMBERED)

    def evaluate(self, question: Question) -> Evaluation:
        """Measure by the plan and on the snapshot that are known here, and remember the outcome.

        Raises:
            Refused: no measurement came out.
            Unavailable: this machine cannot evaluate.
            UnknownReference: there is no such plan or snapshot.
        """
        plan, digest = self._plans.plan(question.plan.model), question.snapshot_digest
        foretold = self._custody.foretold(plan, question.tree_digest, digest)
        own = replace(question, plan=plan, snapshot=self._snapshots.path(digest), foretold=foretold)
        found = self._inner.evaluate(own)
        incumbent = _hashes(own.incumbent) if own.incumbent else None
        self._measured.append(Witnessed(plan, _hashes(own.candidate), incumbent, digest, found, own.tree_digest))
        return found

    def describe(self, plan: EvaluationPlan, snapshot: str, digest: str) -> RowsDescribed:  # noqa: ARG002
        """Say what a snapshot holds, by the plan and at the place that are known here.

        Raises:
            Refused: nothing can be measured on it.
            Unavailable: this machine cannot evaluate.
            UnknownReference: there is no such plan or snapshot.
        """
        return self._inner.describe(self._plans.plan(plan.model), self._snapshots.path(digest), digest)

    def why_not_measured(self, history: History, event: Evaluated) -> str | None:
        """Return why this outcome is not one that was measured here; without numbers it can only close the gate."""
        if event.problem is not None:
            return None
        if waits := self._custody.why_waiting(history.request):
            return waits
        reason = "Nothing was measured here that had these scores."
        for one in tuple(self._measured):
            if (one.found.scores, one.snapshot) == (event.scores, event.snapshot):
                refusal = self._why_other(history, event, one)
                if refusal is None:
                    return None
                reason = refusal
        return reason

    def _why_other(self, history: History, event: Evaluated, one: Witnessed) -> str | None:
        request = history.request
        if not _holds(request.manifest, one.candidate) or one.plan.model != request.subject.model:
            return "What was measured here are other files than the candidate's."
        if one.found.prospective is not None and one.tree_digest != request.subject.tree_digest:
            return "What was foretold is of another tree."
        if not self._is_incumbent(history, one.incumbent):
            return "It was compared with other files than those that the alias points at."
        said, known = (
            canonical_json([each.measures, each.custodians, each.plan, each.isolation, each.confirmed, each.cases])
            for each in (event, self._expected(history, event, one))
        )
        return None if said == known else "It says other numbers than were measured here."

    def _is_incumbent(self, history: History, incumbent: Mapping[str, str] | None) -> bool:
        """Whether the comparison was with what was promoted last; what is older than the gate is known to nobody."""
        subject = history.request.subject
        if (incumbent is None) is not (subject.incumbent is None):
            return False
        if incumbent is None:
            return True
        now = (subject.model, subject.epoch, subject.alias)
        promoted = [row for row in self._index.promoted() if (row.model, row.epoch, row.alias) == now]
        ids = {row.request_id for row in promoted if row.version == subject.incumbent}
        manifests = [
            found.request.manifest for found in self._index.find(alias=subject.alias) if found.request.request_id in ids
        ]
        return not promoted or any(_holds(manifest, incumbent) for manifest in manifests)

    def _expected(self, history: History, event: Evaluated, one: Witnessed) -> Evaluated:
        measures = one.found.measures
        if one.incumbent is not None:
            tree = history.request.incumbent_tree
            measures["comparison"] = {**measures["comparison"], "incumbent": tree, "metric": one.plan.main}
        return replace(
            event,
            measures=measures,
            custodians=self._snapshots.custodians(one.snapshot),
            plan=one.plan.digest,
            isolation=one.found.isolation,
            confirmed=self._custody.confirmed(history.request),
            cases=one.found.cases,
        )


def _hashes(package: Package) -> dict[str, str]:
    contents = {SCORING: package.scoring, NETWORK: package.network}
    return {path: hashlib.sha256(content).hexdigest() for path, content in contents.items()}


def _holds(manifest: Manifest, hashes: Mapping[str, str]) -> bool:
    has = {entry.path: entry.sha256 for entry in manifest.files}
    return all(has.get(path) == sha256 for path, sha256 in hashes.items())
