"""One figure over a cohort: a metric on mature, labelled predictions, with an interval over whole clusters.

NumPy is imported where it is needed: recording feedback does without it.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Literal
from zoneinfo import ZoneInfo

from handrail.errors import InvalidInput
from handrail.feedback.domain.cohorts import Cohort
from handrail.feedback.domain.values import EPOCH

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

    from handrail.statistics import Intervals, Metric, Scored

QUARTER_US = 15 * 60 * 1_000_000

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


@dataclass(frozen=True, slots=True)
class JudgedWindow:
    """The figure of a window, and the URIs of the deployments that made its predictions, sorted."""

    figure: Figure
    deployments: tuple[str, ...]


class FigureByParts:
    """A figure of a cohort that comes as Arrow tables, which holds as many rows as `handrail.statistics.Running`."""

    def __init__(self, name: str, clusters: Clusters) -> None:
        """Judge by the metric of that name.

        Raises:
            InvalidInput: there is none.
        """
        from handrail.statistics import Running

        metric, self._kind = find_metric(name)
        self._running, self._clusters = Running(metric), clusters
        self._rows = self._mature = 0
        self._deployments: set[str] = set()

    def add(self, table: pa.Table) -> None:
        """Add rows with the columns of `Cohort`.

        Raises:
            InvalidInput: the metric judges labels 0 and 1, and there are others.
        """
        import pyarrow.compute as pc

        mature = table.filter(table.column("mature"))
        self._rows += table.num_rows
        self._mature += mature.num_rows
        self._deployments.update(pc.unique(table.column("deployment")).to_pylist())
        judged = mature.filter(pc.is_valid(mature.column("label")))
        if not judged.num_rows:
            return
        score, label, predicted = (judged.column(name).to_numpy() for name in ("score", "label", "predicted"))
        _check_labels(label, self._kind)
        self._running.add(score, label, predicted, self._keys(judged))

    def judged(self, as_of: datetime, intervals: Intervals) -> JudgedWindow:
        """Return the figure of all that was added."""
        running, deployments = self._running, tuple(sorted(self._deployments))
        coverage = running.rows / self._mature if self._mature else 0.0
        about = (running.rows, running.clusters, self._rows, coverage, as_of)
        if not running.rows:
            return JudgedWindow(Figure(running.metric.name, None, None, None, *about), deployments)
        found = running.estimate(intervals)
        low, high = (_known(found.low), _known(found.high)) if running.clusters > 1 else (None, None)
        return JudgedWindow(Figure(running.metric.name, _known(found.value), low, high, *about), deployments)

    def _keys(self, judged: pa.Table) -> np.ndarray:
        import numpy as np

        if self._clusters.by == "subject":
            return np.asarray(judged.column("subject").to_numpy(zero_copy_only=False), dtype=np.str_)
        if self._clusters.by == "prediction":
            return np.arange(self._running.rows, self._running.rows + judged.num_rows)
        made = judged.column("made_at").to_numpy().astype("datetime64[us]").astype(np.int64)
        # Clocks of all zones are a multiple of this apart, since 1972; few are asked per day.
        quarters, place = np.unique(made // QUARTER_US, return_inverse=True)
        zone = ZoneInfo(self._clusters.zone)
        starts = (EPOCH + int(quarter) * timedelta(minutes=15) for quarter in quarters)
        return np.array([at.astimezone(zone).toordinal() for at in starts])[place]


def _check_labels(label: np.ndarray, kind: str) -> None:
    import numpy as np

    if kind == "binary" and not np.isin(label, (0.0, 1.0)).all():
        odd = label[~np.isin(label, (0.0, 1.0))][0]
        raise InvalidInput("metric", f"it judges labels 0 and 1, and one is {odd:g}", "Use accuracy, mae or rmse.")


def _known(number: float) -> float | None:
    return None if number != number else number


def _scored(judged: Cohort, kind: str, clusters: Clusters) -> Scored:
    import numpy as np

    from handrail.statistics import Scored

    label = np.array(judged.label, dtype=np.float64)
    _check_labels(label, kind)
    codes: dict[Hashable, int] = {}
    key = clusters.key(judged)
    cluster = np.array([codes.setdefault(key(row), len(codes)) for row in range(len(judged))])
    return Scored(np.array(judged.score, dtype=np.float64), label, cluster, np.array(judged.predicted))
