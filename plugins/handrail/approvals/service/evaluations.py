"""Measures candidates outside of any call: what a request named is evaluated, and the outcome stored with it."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from handrail.approvals.domain.errors import MovedMeanwhile
from handrail.approvals.domain.evaluation import EvaluationPlan, Package, Question
from handrail.approvals.domain.events import Evaluated, History
from handrail.approvals.domain.subject import PromotionRequest
from handrail.approvals.evidence_ports import EvaluationPlans, Evaluator, Looks, Snapshots, TreeCopies
from handrail.approvals.ports import Ledger, RequestIndex
from handrail.approvals.service.row_custody import RowCustody
from handrail.clock import Clock
from handrail.errors import HandrailError, Refused, UnknownReference
from handrail.manifest import Manifest

SCORING, NETWORK = "scoring.json", "onnx/model.onnx"
"""What of a tree the evaluator is given."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class EvaluationPorts:
    """The adapters behind an evaluation."""

    ledger: Ledger
    index: RequestIndex
    copies: TreeCopies
    plans: EvaluationPlans
    snapshots: Snapshots
    looks: Looks
    evaluator: Evaluator
    custody: RowCustody


class Evaluations:
    """Evaluates what requests wait for, one after another. Every call may be repeated."""

    def __init__(self, ports: EvaluationPorts, clock: Clock) -> None:
        """Use these adapters; `clock` gives system time."""
        self._ports = ports
        self._clock = clock

    def waiting(self) -> Sequence[str]:
        """Return the ids of the requests that wait for an evaluation, oldest first."""
        return [
            history.request.request_id
            for history in self._ports.index.find()
            if history.awaits_evaluation and not history.voided
        ]

    def evaluate(self, request_id: str) -> History:
        """Measure what a request waits for and store the outcome, also that there is none; then nothing is left to do.

        While its labelled rows wait for the confirmation of a second person, nothing happens.

        Raises:
            UnknownReference: there is no such request.
        """
        history = self._ports.ledger.load(request_id)
        while history.awaits_evaluation and not history.voided and not self._waits(history.request):
            outcome = self._outcome(history.request)
            try:
                return self._ports.ledger.append(history, outcome)
            except MovedMeanwhile:
                history = self._ports.ledger.load(request_id)
        return history

    def _waits(self, request: PromotionRequest) -> bool:
        return self._ports.custody.why_waiting(request) is not None

    def _outcome(self, request: PromotionRequest) -> Evaluated:
        snapshot = str(request.subject.snapshot)
        try:
            return self._measured(request, snapshot)
        except HandrailError as err:
            _log.warning("The evaluation of %s ended without a measurement. %s", request.request_id, err)
            return Evaluated(self._clock(), snapshot, problem=f"It could not be measured: {err}")

    def _measured(self, request: PromotionRequest, snapshot: str) -> Evaluated:
        ports, subject = self._ports, request.subject
        plan = ports.plans.plan(subject.model)
        path = ports.snapshots.path(snapshot)
        package = self._package(request.manifest)
        incumbent = self._incumbent(request.incumbent_tree)
        self._require_a_look_left(plan, request, snapshot)
        foretold = ports.custody.foretold(plan, subject.tree_digest, snapshot)
        question = Question(plan, package, incumbent, path, snapshot, subject.tree_digest, foretold)
        found = ports.evaluator.evaluate(question)
        measures: dict[str, Any] = found.measures
        if incumbent is not None:
            compared = {"incumbent": request.incumbent_tree, "metric": plan.main}
            measures["comparison"] = {**measures["comparison"], **compared}
        return Evaluated(
            at=self._clock(),
            snapshot=snapshot,
            measures=measures,
            custodians=ports.snapshots.custodians(snapshot),
            plan=plan.digest,
            scores=found.scores,
            isolation=found.isolation,
            confirmed=ports.custody.confirmed(request),
            cases=found.cases,
        )

    def _incumbent(self, tree_digest: str | None) -> Package | None:
        """Return what the served name's alias pointed at: the gate looked itself, nobody names another model to it."""
        return None if tree_digest is None else self._package(self._ports.copies.manifest(tree_digest))

    def _package(self, manifest: Manifest) -> Package:
        entries: Mapping[str, Any] = {entry.path: entry for entry in manifest.files}
        for name in (SCORING, NETWORK):
            if name not in entries:
                remedy = "Package the model as the stage 'package' does, with its ONNX form."
                raise Refused("Scoring the tree", (f"It has no {name}. {remedy}",))
        scoring, network = (self._ports.copies.read(entries[name]) for name in (SCORING, NETWORK))
        return Package(scoring, network)

    def _require_a_look_left(self, plan: EvaluationPlan, request: PromotionRequest, snapshot: str) -> None:
        subject = request.subject
        used = self._ports.looks.look(subject.model, snapshot, subject.tree_digest, plan.looks)
        if used is not None:
            reason = (
                f"{used} trees of {subject.model!r} were measured on it, and 'looks' in config/evaluation.yaml allows "
                f"{plan.looks}: whoever tries often finds a good number by chance. Hand in newer labelled rows."
            )
            raise Refused(f"Another look at {snapshot}", (reason,))


def require_snapshot(snapshots: Snapshots, digest: str | None) -> None:
    """Check that the snapshot which a request names is in custody.

    Raises:
        UnknownReference: nobody handed it in.
    """
    if digest is not None and not snapshots.custodians(digest):
        raise UnknownReference(
            "snapshot", digest, "Hand it in first: POST /handrail/api/v1/snapshots.", field="snapshot"
        )
