"""Checks who said the labels of a snapshot before a challenger learns from them; keeps and announces what was found."""

from __future__ import annotations

from flows.steps.monitoring.events import announce_finding
from flows.steps.project.outputs import write_json
from flows.steps.retraining.limits import read_source_rules
from flows.steps.retraining.sources import WHAT, check_sources, finding_of, reasons_against
from handrail.bootstrap import Platform
from handrail.bootstrap.feedback import open_sources
from handrail.errors import Refused
from handrail.feedback import Snapshot


def require_sources(platform: Platform, taken: Snapshot, kind: str, month: str) -> None:
    """Check that no source of a snapshot's labels contradicts the others beyond chance.

    What was found is written to home/retraining/sources-<month>.json. If a source is not learned from, it is announced
    as the event `handrail.finding` of kind `feedback` too.

    Args:
        platform: whose feedback it is.
        taken: the snapshot.
        kind: the kind of label, such as `binary`.
        month: what the challenger is for.

    Raises:
        Refused: one does; the reasons name it, and what to do.
    """
    settings = platform.settings
    labels = open_sources(platform.store).of_snapshot(taken)
    report = check_sources(labels, kind, read_source_rules(settings.config))
    file = settings.home / "retraining" / f"sources-{month}.json"
    write_json(file, {"month": month, "snapshot": taken.digest} | report.as_json())
    if reasons := reasons_against(report):
        announce_finding(finding_of(settings.model_name, month, taken.digest, report))
        raise Refused(WHAT, tuple(reasons))
