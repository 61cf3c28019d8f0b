"""Which adapters the gate inside an MLflow server asks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from handrail.approvals.evidence_ports import LineageTraces
from handrail.approvals.service import GatePorts
from handrail.approvals.service.attestations import Attestations
from handrail.approvals.service.custody import Custody
from handrail.approvals.service.holding import Holding
from handrail.approvals.service.row_custody import RowCustody
from handrail.bootstrap.approvals_rules import open_signatures


@dataclass(frozen=True, slots=True)
class GateHost:
    """The MLflow server around the gate: its stores, and the folder that it serves artifacts from.

    `root` is the path below which it answers.
    """

    registry: Callable[[], Any]
    tracking: Callable[[], Any]
    artifacts: Path
    root: str = ""


@dataclass(frozen=True, slots=True)
class Vouching:
    """What vouches for evidence by the rules in force: statements of pipelines, lineage, and persons for rows."""

    attestations: Attestations
    traces: LineageTraces
    rows: RowCustody


def gate_ports(custody: Custody, holding: Holding, host: GateHost, vouching: Vouching) -> GatePorts:
    """Return what the gate of an MLflow server asks."""
    from handrail.approvals.adapters.mlflow_evidence_files import MlflowEvidenceFiles

    return GatePorts(
        ledger=custody.ledger,
        index=custody.index,
        provenance=holding.provenance,
        registry=holding.registry,
        reader=holding.reader,
        rules=holding.rules,
        snapshots=custody.snapshots,
        files=MlflowEvidenceFiles(host.tracking, host.artifacts),
        copies=holding.reader.copies,
        findings=custody.findings,
        signatures=open_signatures(custody.server).check,
        attestations=vouching.attestations,
        traces=vouching.traces,
        custody=vouching.rows,
        evaluator=custody.evaluator,
    )
