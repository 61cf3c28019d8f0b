"""Opens what writes, on MLflow's own pages, what has become of requests."""

from __future__ import annotations

from dataclasses import replace

from handrail.approvals.service import Gate, GatePorts
from handrail.approvals.service.custody import Custody
from handrail.approvals.service.notices import Due, NotedLedger, NoticeReader, Notices
from handrail.bootstrap.approvals_ports import GateHost

__all__ = ["noted", "open_notices"]


def noted(custody: Custody) -> tuple[Custody, Due]:
    """Return the same with a ledger whose changes are remembered, and where they are."""
    due = Due()
    return replace(custody, ledger=NotedLedger(custody.ledger, due)), due


def open_notices(due: Due, gate: Gate, ports: GatePorts, host: GateHost) -> Notices:
    """Return what writes what is due by the gate's own rights, as a decision would find each request."""
    from handrail.approvals.adapters.mlflow_notices import MlflowNotices

    reader = NoticeReader(gate.request, ports.registry.incumbent, host.root)
    return Notices(due, reader, ports.index, MlflowNotices(host.registry))
