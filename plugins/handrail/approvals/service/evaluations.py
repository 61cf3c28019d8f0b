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
from handrail.approvals.evidence_ports import EvaluationPlans, Evaluator, Looks, Snapshots, TreeFiles
from handrail.approvals.ports import Ledger, Registry, RequestIndex, Trees
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
    registry: Registry
    trees: Trees
    files: TreeFiles
    plans: EvaluationPlans
    snapshots: Snapshots
    looks: Looks
    evaluator: Evaluator


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

        Raises:
            UnknownReference: there is no such request.
        """
        history = self._ports.ledger.load(request_id)
        while history.awaits_evaluation and not history.voided:
            outcome = self._outcome(history.request)
            try:
                return self._ports.ledger.append(history, outcome)
            except MovedMeanwhile:
                history = self._ports.ledger.load(request_id)
        return history

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
        candidate = ports.registry.candidate(subject.model, str(subject.version))
        package = self._package(candidate.tree, request.manifest)
        incumbent, incumbent_tree = self._incumbent(subject.model, subject.incumbent)
        self._require_a_look_left(plan, request, snapshot)
        found = ports.evaluator.evaluate(Question(plan, package, incumbent, path, snapshot))
        measures: dict[str, Any] = found.measures
        if incumbent_tree is not None:
            measures["comparison"] = {**measures["comparison"], "incumbent": incumbent_tree, "metric": plan.main}
        return Evaluated(
            at=self._clock(),
            snapshot=snapshot,
            measures=measures,
            custodians=ports.snapshots.custodians(snapshot),
            plan=plan.digest,
            scores=found.scores,
            isolation=found.isolation,
        )

    def _incumbent(self, model: str, version: int | None) -> tuple[Package | None, str | None]:
        """Return what the served name's alias points at: the gate looks itself, nobody names another model to it."""
        if version is None:
            return None, None
        tree = self._ports.registry.candidate(model, str(version)).tree
        manifest = self._ports.trees.manifest(tree)
        return self._package(tree, manifest), manifest.digest

    def _package(self, tree: str, manifest: Manifest) -> Package:
        entries: Mapping[str, Any] = {entry.path: entry for entry in manifest.files}
        for name in (SCORING, NETWORK):
            if name not in entries:
                remedy = "Package the model as the stage 'package' does, with its ONNX form."
                raise Refused("Scoring the tree", (f"It has no {name}. {remedy}",))
        scoring, network = (self._ports.files.read(tree, entries[name]) for name in (SCORING, NETWORK))
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
