"""Opens what measures candidates on the labelled rows in the gate's custody."""

from __future__ import annotations

from pathlib import Path

from handrail.approvals.adapters.yaml_evaluations import YamlEvaluations, files_of
from handrail.approvals.evidence_ports import EvaluationPlans
from handrail.approvals.ports import RuleBook
from handrail.approvals.service import EvaluationPorts, Evaluations, GatePorts
from handrail.approvals.service.custody import Custody
from handrail.approvals.service.row_custody import RowCustody
from handrail.clock import system_time
from handrail.errors import UnknownReference


def open_evaluations(ports: GatePorts, custody: Custody) -> Evaluations:
    """Open what evaluates the requests of a gate with these adapters, as its plans say."""
    evaluation = EvaluationPorts(
        ledger=ports.ledger,
        index=ports.index,
        copies=ports.copies,
        plans=ports.custody.plans,
        snapshots=ports.snapshots,
        looks=custody.looks,
        evaluator=custody.evaluator,
        custody=ports.custody,
    )
    return Evaluations(evaluation, system_time)


def open_row_custody(held: Custody, plans: EvaluationPlans, rules: RuleBook) -> RowCustody:
    """Open what says whether labelled rows wait for the confirmation of a second person."""
    return RowCustody(held.snapshots, held.snapshot_book, held.predictions, plans, rules, system_time)


def rows_for(project: Path, model: str, *, replacing: bool) -> str | None:
    """Return which file of a project holds the labelled rows for a model; None if no evaluation is described for it.

    Raises:
        Misconfigured: config/evaluation.yaml cannot be used.
    """
    try:
        snapshots = YamlEvaluations(files_of(project)).keys(model).snapshots
    except UnknownReference:
        return None
    return snapshots.replacement if replacing else snapshots.first
