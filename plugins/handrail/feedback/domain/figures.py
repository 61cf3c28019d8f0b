"""One figure over a cohort: a metric on mature, labelled predictions, with an interval over whole clusters.

NumPy is imported where it is needed: recording feedback does without it.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Literal
from zoneinfo import ZoneInfo

from handrail.errors import InvalidInput
from handrail.feedback.domain.cohorts import Cohort

if TYPE_CHECKING:
    from handrail.statistics import Intervals, Metric, Scored

ClusterBy = Literal["day", "subject", "prediction"]


@dataclass(frozen=True, slots=True)
class Figure:
    """A metric of a cohort at its as-of time; `value` and its 95 % interval are None where it is not defined.

    `subjects` counts the mature, labelled predictions that it is made of, `clusters` what the interval was drawn over,
    `coverage` the share of mature predictions whose outcome is known.
    """

    metric: str
    value: float | None
    low: float | None
    high: float | None
    subjects: int
    clusters: int
    predictions: int
    coverage: float
    as_of: datetime


@dataclass(frozen=True, slots=True)
class Clusters:
    """What is drawn for an interval: whole days of `zone`, all predictions about a subject, or single predictions."""

    by: ClusterBy = "day"
    zone: str = "UTC"

    def key(self, judged: Cohort) -> Callable[[int], Hashable]:
        """Return the function from a row's number to its cluster."""
        if self.by == "day":
            if self.zone == "UTC":
                # Moments of a cohort are in UTC; a page asks for thousands of them.
                return lambda row: judged.made_at[row].date()
            zone = ZoneInfo(self.zone)
            return lambda row: judged.made_at[row].astimezone(zone).date()
        return (lambda row: judged.subject[row]) if self.by == "subject" else (lambda row: row)


def find_metric(name: str) -> tuple[Metric, str]:
    """Return the metric of that name, and a kind of label that it judges.

    Raises:
        InvalidInput: there is none.
    """
    from handrail.statistics import METRICS_OF

    known = {metric.name: (metric, kind) for kind, metrics in METRICS_OF.items() for metric in metrics}
    if name not in known:
        raise InvalidInput("metric", f"there is no metric {name!r}", f"Use one of {', '.join(sorted(known))}.")
    return known[name]


def figure_of(cohort: Cohort, name: str, clusters: Clusters, intervals: Intervals) -> Figure:
    """Judge the mature, labelled rows of a cohort by a metric.

    Raises:
        InvalidInput: there is no such metric, or it judges labels 0 and 1 and there are others.
    """
    from handrail.statistics import draw_clusters, estimate

    metric, kind = find_metric(name)
    judged = cohort.judged()
    about = (len(cohort), cohort.coverage, cohort.scope.as_of)
    if not len(judged):
        return Figure(name, None, None, None, 0, 0, *about)
    scored = _scored(judged, kind, clusters)
    found = estimate(metric.values(scored, draw_clusters(scored.clusters, intervals)))
    value = _known(found.value)
    # One cluster that is drawn again and again shows no spread: that is no interval.
    low, high = (_known(found.low), _known(found.high)) if scored.clusters > 1 else (None, None)
    return Figure(name, value, low, high, len(judged), scored.clusters, *about)


def _known(number: float) -> float | None:
    return None if number != number else number


def _scored(judged: Cohort, kind: str, clusters: Clusters) -> Scored:
    import numpy as np

    from handrail.statistics import Scored

    label = np.array(judged.label, dtype=np.float64)
    if kind == "binary" and not np.isin(label, (0.0, 1.0)).all():
        odd = label[~np.isin(label, (0.0, 1.0))][0]
        raise InvalidInput("metric", f"it judges labels 0 and 1, and one is {odd:g}", "Use accuracy, mae or rmse.")
    codes: dict[Hashable, int] = {}
    key = clusters.key(judged)
    cluster = np.array([codes.setdefault(key(row), len(codes)) for row in range(len(judged))])
    return Scored(np.array(judged.score, dtype=np.float64), label, cluster, np.array(judged.predicted))
