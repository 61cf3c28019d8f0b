"""What a month's predictions brought or cost: means of kinds of feedback that are numbers, held against objectives.

Such figures are noisy: an alert needs an interval over whole days that lies beyond the limit, not only the mean.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from flows.steps.monitoring.config import MonitoringRules
from flows.steps.monitoring.findings import Check, Finding, Subject, check, conclude
from flows.steps.monitoring.month import Forecasts, Month
from handrail.bootstrap import Platform
from handrail.errors import Misconfigured
from handrail.feedback import Clusters, Figure
from handrail.objectives import Objective
from handrail.refs import FeedbackSnapshot
from handrail.use_case import Limit

FIGURE: Final = "mean_label"
KIND: Final = "business"


@dataclass(frozen=True, slots=True)
class Brought:
    """The mean of one kind of feedback over a month's mature predictions, and the snapshot that fixes it."""

    kind: str
    unit: str
    figure: Figure
    snapshot: str

    @property
    def title(self) -> str:
        """The figure as people read it."""
        return f"mean {self.kind.replace('_', ' ')}{f' in {self.unit}' if self.unit else ''}"

    def as_json(self) -> dict[str, Any]:
        """Return the figure as JSON values; `low` and `high` are the ends of its 95 % interval over days."""
        seen = self.figure
        return {
            "unit": self.unit,
            "mean": seen.value,
            "low": seen.low,
            "high": seen.high,
            "mature": seen.subjects,
            "days": seen.clusters,
            "snapshot": self.snapshot,
        }


def check_business_limits(rules: MonitoringRules, platform: Platform) -> None:
    """Check that each limit is about a kind of feedback whose values are numbers.

    Raises:
        Misconfigured: one is not; the sentence names it.
    """
    known = sorted(name for name, kind in platform.feedback.kinds.items() if not kind.values)
    for name in rules.business:
        if name not in known:
            problem = f"'business.{name}' is about no kind of feedback of config/feedback.yaml whose values are numbers"
            raise Misconfigured("config/monitoring.yaml", problem, f"Name one of {', '.join(known) or 'none'}.")


def read_brought(platform: Platform, rules: MonitoringRules, month: Month, forecasts: Forecasts) -> list[Brought]:
    """Measure each kind that has a limit, over the predictions of the month's deployment, as known at its as-of time.

    What matures later than the month's labels is not counted yet: a prediction whose window has not ended is left out.
    """

    def measured() -> Iterator[Brought]:
        for name in rules.business:
            taken = platform.feedback.snapshot(name, month.start, month.end, forecasts.as_of)
            cohort = platform.feedback.snapshot_cohort(taken.digest, forecasts.deployment)
            figure = platform.feedback.figure(cohort, FIGURE, Clusters("day", month.zone))
            snapshot = FeedbackSnapshot(taken.digest)
            platform.lineage.record_snapshot(snapshot.artifact, deployments=[forecasts.deployment])
            yield Brought(name, platform.feedback.kind(name).unit, figure, snapshot.digest)

    return list(measured())


def business_finding(
    subject: Subject, brought: list[Brought], rules: MonitoringRules, objectives: Mapping[str, Objective]
) -> Finding | None:
    """Say whether what predictions bring is surely beyond a limit; None where nothing was measured on several days."""
    checks = tuple(
        _held(each, rules.business[each.kind], objectives) for each in brought if each.figure.low is not None
    )
    return conclude(KIND, subject, checks) if checks else None


def _held(each: Brought, limit: Limit, objectives: Mapping[str, Objective]) -> Check:
    """Hold the end of the interval that is better for the business against the limit."""
    wants_less = objectives[limit.objective].kind == "at-most"
    better = each.figure.low if wants_less else each.figure.high
    end = "lower" if wants_less else "upper"
    return check(f"{each.title} ({end} end of its 95 % interval)", better, limit, objectives)
