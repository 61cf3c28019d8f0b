"""Figures of rows that come part by part: exact up to a number of rows, and beyond it from what fits into memory.

Means stay exact, as sums of clusters; so do figures of classes, as counts. For figures of an order (ROC-AUC, average
precision) scores become `LEVELS` levels, each with as many rows of the first parts: two scores of one level count as
equal, which changes ROC-AUC by at most half the share of such pairs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

import numpy as np

from handrail.statistics import binary, numeric
from handrail.statistics.metrics import Metric
from handrail.statistics.scored import Estimate, Intervals, Scored, draw_clusters, estimate

EXACT_ROWS = 1_000_000
LEVELS = 2_048
MOST_CLUSTERS = 1_000
"""Beyond this many clusters of many rows some are drawn together, as if they were one."""


class _Summary(Protocol):
    """What is held of the rows beyond the number that is held itself."""

    def add(self, part: Scored) -> None: ...

    def estimate(self, metric: Metric, intervals: Intervals) -> Estimate: ...


Moments = Callable[[Scored], tuple[np.ndarray, ...]]
Finish = Callable[..., np.ndarray]


def _explained(label: np.ndarray, squared: np.ndarray, lost: np.ndarray) -> np.ndarray:
    spread = squared - label**2
    varied = spread > np.finfo(np.float64).eps * np.maximum(1.0, squared[0])
    found: np.ndarray = 1 - np.divide(lost, spread, out=np.full(len(lost), np.nan), where=varied)
    return found


def _right(scored: Scored) -> np.ndarray:
    assert scored.predicted is not None
    right: np.ndarray = scored.predicted == scored.label
    return right


def _same(mean: np.ndarray) -> np.ndarray:
    return mean


MEANS: Mapping[str, tuple[Moments, Finish]] = {
    "log_loss": (lambda scored: (binary.log_losses(scored),), _same),
    "brier": (lambda scored: ((scored.score - scored.label) ** 2,), _same),
    "base_rate": (lambda scored: (scored.label,), _same),
    "accuracy": (lambda scored: (_right(scored),), _same),
    "mae": (lambda scored: (np.abs(numeric.errors(scored)),), _same),
    "rmse": (lambda scored: (numeric.errors(scored) ** 2,), np.sqrt),
    "bias": (lambda scored: (numeric.errors(scored),), _same),
    "mean_label": (lambda scored: (scored.label,), _same),
    "poisson_deviance": (lambda scored: (numeric.poisson_deviances(scored),), _same),
    "r2": (lambda scored: (scored.label, scored.label**2, numeric.errors(scored) ** 2), _explained),
}
"""The figures that are made of means of rows: what is averaged, and what becomes of the means."""
ORDERED = ("roc_auc", "average_precision")


@dataclass(slots=True)
class Running:
    """A metric of rows that are added part by part; `exact` of them are held, and no more.

    Clusters are named by whole numbers or texts, in `keys` of (n,).
    """

    metric: Metric
    exact: int = EXACT_ROWS
    rows: int = 0
    _codes: dict[Any, int] = field(default_factory=dict)
    _parts: list[Scored] = field(default_factory=list)
    _summary: _Summary | None = None

    @property
    def clusters(self) -> int:
        """How many clusters there are."""
        return len(self._codes)

    def add(self, score: np.ndarray, label: np.ndarray, predicted: np.ndarray, keys: np.ndarray) -> None:
        """Add rows, arrays of (n,)."""
        part = Scored(score, label, self._cluster(keys), predicted)
        self.rows += len(score)
        if self._summary is not None:
            self._summary.add(part)
            return
        self._parts.append(part)
        if self.rows > self.exact:
            self._summary = _summary(self.metric, _joined(self._parts))
            self._parts = []

    def estimate(self, intervals: Intervals) -> Estimate:
        """Return the figure of all rows with its interval; there has to be one row at least."""
        if self._summary is not None:
            return self._summary.estimate(self.metric, intervals)
        scored = _joined(self._parts)
        return estimate(self.metric.values(scored, draw_clusters(scored.clusters, intervals)))

    def _cluster(self, keys: np.ndarray) -> np.ndarray:
        """Number the clusters in the order in which they first come."""
        found, first, place = np.unique(keys, return_index=True, return_inverse=True)
        codes = np.empty(len(found), dtype=np.int64)
        for at in np.argsort(first, kind="stable"):
            codes[at] = self._codes.setdefault(found[at], len(self._codes))
        numbered: np.ndarray = codes[place]
        return numbered


def _joined(parts: list[Scored]) -> Scored:
    columns = ([getattr(part, name) for part in parts] for name in ("score", "label", "cluster", "predicted"))
    return Scored(*map(np.concatenate, columns))


def _summary(metric: Metric, first: Scored) -> _Summary:
    summary: _Summary = _Counts()
    if metric.name in MEANS:
        # Squares of numbers far from zero would cancel each other out.
        summary = _Sums(float(first.label.mean()) if metric.name == "r2" else 0.0, *MEANS[metric.name])
    elif metric.name in ORDERED:
        summary = _Levels(np.unique(np.quantile(first.score, np.arange(1, LEVELS) / LEVELS)))
    summary.add(first)
    return summary


def _few(scored: Scored) -> Scored:
    """Draw some clusters together if there are very many."""
    return replace(scored, cluster=scored.cluster % MOST_CLUSTERS)


@dataclass(slots=True)
class _Sums:
    """Sums of each cluster, (moments + 1, clusters); the last one counts rows."""

    shift: float
    moments: Moments
    finish: Finish
    sums: np.ndarray | None = None

    def add(self, part: Scored) -> None:
        few = _few(part)
        moved = replace(few, score=few.score - self.shift, label=few.label - self.shift) if self.shift else few
        new = np.array([moved.summed(of) for of in (*self.moments(moved), np.ones(len(part.label)))])
        if self.sums is None:
            self.sums = new
            return
        held = np.zeros((len(new), max(new.shape[1], self.sums.shape[1])))
        held[:, : self.sums.shape[1]] += self.sums
        held[:, : new.shape[1]] += new
        self.sums = held

    def estimate(self, metric: Metric, intervals: Intervals) -> Estimate:  # noqa: ARG002 - as all summaries have it
        assert self.sums is not None
        weights = draw_clusters(self.sums.shape[1], intervals)
        *sums, counts = (weights @ each for each in self.sums)
        return estimate(self.finish(*(each / counts for each in sums)))


@dataclass(slots=True)
class _Counts:
    """How many rows there are of each cluster, label and predicted class."""

    counts: dict[tuple[float, float, float], float] = field(default_factory=dict)

    def add(self, part: Scored) -> None:
        few = _few(part)
        assert few.predicted is not None
        found, number = _unique([few.cluster, few.label, few.predicted])
        for key, count in zip(zip(*(each.tolist() for each in found), strict=True), number.tolist(), strict=True):
            self.counts[key] = self.counts.get(key, 0) + count

    def estimate(self, metric: Metric, intervals: Intervals) -> Estimate:
        cluster, label, predicted = np.array(list(self.counts)).T
        weight = np.array(list(self.counts.values()), dtype=np.float64)
        scored = Scored(label, label, cluster.astype(np.int64), predicted, weight)
        return estimate(metric.values(scored, draw_clusters(scored.clusters, intervals)))


@dataclass(slots=True)
class _Levels:
    """How many rows there are of each cluster, level of the score, and label 0 or 1, (clusters * levels * 2,)."""

    ends: np.ndarray
    counts: np.ndarray = field(default_factory=lambda: np.zeros(0, dtype=np.int64))

    def add(self, part: Scored) -> None:
        few = _few(part)
        level = few.cluster * (len(self.ends) + 1) + np.searchsorted(self.ends, few.score)
        new = np.bincount(level * 2 + (few.label == 1), minlength=len(self.counts))
        new[: len(self.counts)] += self.counts
        self.counts = new

    def estimate(self, metric: Metric, intervals: Intervals) -> Estimate:
        (held,) = np.nonzero(self.counts)
        cluster, level = np.divmod(held // 2, len(self.ends) + 1)
        scored = Scored(level, held % 2, cluster, None, self.counts[held].astype(np.float64))
        return estimate(metric.values(scored, draw_clusters(scored.clusters, intervals)))


def _unique(columns: list[np.ndarray]) -> tuple[list[np.ndarray], np.ndarray]:
    """Return the different rows of the columns, and how often each occurs."""
    code = np.zeros(len(columns[0]), dtype=np.int64)
    values = []
    for column in columns:
        found, place = np.unique(column, return_inverse=True)
        values.append(found)
        code = code * len(found) + place
    rows, number = np.unique(code, return_counts=True)
    picked = []
    for found in reversed(values):
        rows, place = np.divmod(rows, len(found))
        picked.append(found[place])
    return picked[::-1], number
