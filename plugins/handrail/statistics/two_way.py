"""An interval for rows that share something in two ways at once, such as the subject and the day."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from handrail.statistics.normal import two_sided
from handrail.statistics.scored import Estimate, Intervals, Scored, draw_clusters

CELLS_AT_ONCE = 20_000_000


def two_way_estimate(
    values_of: Callable[[Scored, np.ndarray], np.ndarray],
    scored: Scored,
    other: np.ndarray,
    intervals: Intervals,
    alpha: float = 0.05,
) -> Estimate:
    """Return a metric (`Metric.values`) with an interval clustered by `scored.cluster` and by `other` (n,) codes.

    The variance is that of the first clustering plus that of the second, minus that of their intersection (Cameron,
    Gelbach, Miller 2011), each from a bootstrap; never less than the larger one. The interval is normal around the
    value, and NaN where a clustering has a single cluster.
    """
    pairs = np.unique(np.stack([scored.cluster, other]), axis=1, return_inverse=True)[1].ravel()
    codes = (scored.cluster, np.unique(other, return_inverse=True)[1], pairs)
    first, second, both = (_variance(values_of, replace(scored, cluster=code), intervals) for code in codes)
    value = float(values_of(scored, np.ones((1, scored.clusters)))[0])
    reach = two_sided(alpha) * np.sqrt(max(first + second - both, first, second))
    return Estimate(value, value - reach, value + reach)


def _variance(values_of: Callable[[Scored, np.ndarray], np.ndarray], scored: Scored, intervals: Intervals) -> float:
    """Return the variance over drawn clusters, drawn a part at a time where there are very many."""
    if scored.clusters < 2:
        return float("nan")
    step = max(1, CELLS_AT_ONCE // scored.clusters)
    values = np.concatenate(
        [
            values_of(scored, draw_clusters(scored.clusters, Intervals(min(step, intervals.draws - start), seed))[1:])
            for start, seed in ((start, intervals.seed + start) for start in range(0, intervals.draws, step))
        ]
    )
    return float(np.var(values[np.isfinite(values)]))
