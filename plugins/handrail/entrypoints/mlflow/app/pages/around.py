"""What is around a request on this server: what its model serves, and what monitoring reported about it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from handrail.approvals import RequestView
from handrail.entrypoints.console.deployments_page import slots_behind
from handrail.entrypoints.mlflow.app.pages.desk import PageDesk
from handrail.errors import HandrailError
from handrail.monitored import MonitoringAlert, read_alerts
from handrail.refs import ModelVersion


def slots_of(desk: PageDesk, view: RequestView) -> Sequence[Mapping[str, Any]] | None:
    """Return the slots that answer with another version of the model than the one that is asked for.

    None for a request whose version the alias does not point at any more, or never did; and where it cannot be read.
    """
    bound = view.history.request.subject
    if not view.is_open and not _is_latest(desk, view):
        return None
    version = ModelVersion(bound.server, bound.model, bound.epoch, bound.version).uri
    try:
        return slots_behind(desk.platform, desk.platform.lineage, version)
    except HandrailError:
        return None


def _is_latest(desk: PageDesk, view: RequestView) -> bool:
    """Whether it was this request that moved its alias last."""
    asked = view.history.request
    moved = {(row.model, row.alias): row.request_id for row in desk.opened.gate.records.aliases()}
    return moved.get((asked.subject.model, asked.subject.alias)) == asked.request_id


def alerts_about(desk: PageDesk, view: RequestView, evidence: Mapping[str, Any]) -> Sequence[MonitoringAlert]:
    """Return what monitoring alerted on in the period that the request's comparison names."""
    comparison = evidence.get("comparison")
    period = comparison.get("month") if isinstance(comparison, Mapping) else None
    if not isinstance(period, str):
        return ()
    model = view.history.request.subject.model
    return [each for each in read_alerts(desk.platform.settings.home) if (each.model, each.period) == (model, period)]
