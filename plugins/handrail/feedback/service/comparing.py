"""The use case of comparing two versions: read what is known of both, then judge."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from handrail.feedback.domain.comparison_plan import ComparisonPlan, VersionComparison
from handrail.feedback.domain.values import EPOCH
from handrail.feedback.service.log import FeedbackLog
from handrail.tools import require


def compare_versions(
    log: FeedbackLog,
    plan: ComparisonPlan,
    as_of: datetime,
    start: datetime | None = None,
    end: datetime | None = None,
) -> VersionComparison:
    """Compare two versions by what was known at `as_of`, over predictions made in [start, end).

    Without an `end` it is the moment up to which every prediction is mature in each kind of the plan; a later one
    blocks the verdict. Without a `start` it is the first prediction. Needs NumPy.

    Raises:
        UnknownReference: a kind is not declared.
        InvalidInput: see `ComparisonPlan`; or a version made no prediction in the window.
        MissingTool: NumPy is not installed.
    """
    require("numpy", "figures")
    from handrail.feedback.domain.comparing import compare_cohorts

    matured = min(log.kind(kind).matured_until(as_of) for kind in plan.kinds) + timedelta(microseconds=1)
    until = end or matured
    since = start or min(EPOCH, until - timedelta(microseconds=1))
    cohorts = {kind: log.cohort(None, kind, since, until, as_of) for kind in plan.kinds}
    return compare_cohorts(plan, cohorts, (start, until.astimezone(UTC)))
