"""How differently groups are treated: rates by group, and the largest difference and ratio between two of them.

The largest of many noisy differences is large by chance, and more so with small groups. So bounds are of all pairs at
once: the studentised bootstrap over clusters gives one multiplier under which every difference between two groups lies
within its interval in 95 % of samples (Romano and Wolf 2005, Econometrica 73). The variance of a share is never below
that of independent rows with four added (Agresti and Coull 1998), so that a group without a single miss is not certain.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from handrail.label_kinds import NUMERIC
from handrail.statistics.scored import Scored

LEAST_CLUSTERS = 5
"""Below so many clusters the bootstrap says nothing of a group."""
COVERED, NORMAL = 0.95, 1.96
DIGITS = 9
BOUNDS = ("", "_low", "_high")
Parts = tuple[np.ndarray, np.ndarray]


@dataclass(frozen=True, slots=True)
class Rate:
    """What is compared between groups: of the rows that count, the share or mean of something.

    `parts` returns both as (n,) each: what is counted, and where it can be. `is_share` is False for means of numbers;
    a ratio belongs to what is never negative.
    """

    name: str
    title: str
    parts: Callable[[Scored], Parts]
    is_share: bool = True
    has_ratio: bool = True


def _called(scored: Scored) -> np.ndarray:
    if scored.predicted is None:
        raise ValueError("Rates of decisions need the decided label of each subject.")
    return np.asarray(scored.predicted == 1)


def _everywhere(counted: np.ndarray) -> Parts:
    return counted.astype(np.float64), np.ones(len(counted))


def _selected(scored: Scored) -> Parts:
    return _everywhere(_called(scored))


def _missed(scored: Scored) -> Parts:
    positive = scored.label == 1
    return (positive & ~_called(scored)).astype(np.float64), positive.astype(np.float64)


def _false_alarms(scored: Scored) -> Parts:
    negative = scored.label == 0
    return (negative & _called(scored)).astype(np.float64), negative.astype(np.float64)


def _wrong(scored: Scored) -> Parts:
    if scored.predicted is None:
        raise ValueError("Errors of decisions need the decided label of each subject.")
    return _everywhere(scored.predicted != scored.label)


def _distance(scored: Scored) -> Parts:
    return _everywhere(np.abs(scored.score - scored.label))


def _lean(scored: Scored) -> Parts:
    return _everywhere(scored.score - scored.label)


_ERROR = Rate("error_rate", "wrong answers", _wrong)
_NUMBERS = (
    Rate("mean_absolute_error", "mean absolute error", _distance, is_share=False),
    Rate("mean_error", "answer minus truth", _lean, is_share=False, has_ratio=False),
)
RATES_OF: Mapping[str, tuple[Rate, ...]] = {
    "binary": (
        Rate("selection_rate", "called positive", _selected),
        Rate("false_negative_rate", "positives missed", _missed),
        Rate("false_positive_rate", "false alarms", _false_alarms),
        _ERROR,
    ),
    "multiclass": (_ERROR,),
    **dict.fromkeys(NUMERIC, _NUMBERS),
}
"""What is compared for each kind of label, by the names that fairlearn uses where it has one."""


@dataclass(frozen=True, slots=True)
class Disparity:
    """How far the groups of a segment are apart in one rate.

    `rates` (groups,) has NaN where a group cannot be judged. `difference` and `ratio` are those between the groups
    with the largest and the smallest rate, `highest` and `lowest` by code, each as value, low and high: the true
    largest difference lies between both bounds in 95 % of samples. `ratio` is None for a rate that can be negative.
    """

    rates: np.ndarray
    highest: int
    lowest: int
    difference: tuple[float, float, float]
    ratio: tuple[float, float, float] | None

    def as_dict(self) -> dict[str, float]:
        """Return `difference`, `difference_low`, `difference_high` and the same of the ratio, rounded."""
        found = {"difference": self.difference} | ({} if self.ratio is None else {"ratio": self.ratio})
        return {
            f"{name}{end}": round(value, DIGITS)
            for name, values in found.items()
            for end, value in zip(BOUNDS, values, strict=True)
        }


def names_of_disparity(rate: Rate) -> tuple[str, ...]:
    """Return the names that `Disparity.as_dict` has for a rate."""
    return tuple(f"{of}{end}" for of in ("difference", "ratio")[: 2 if rate.has_ratio else 1] for end in BOUNDS)


def disparities(
    kind: str, scored: Scored, group: np.ndarray, weights: np.ndarray, least_rows: int
) -> dict[str, Disparity]:
    """Compare groups in each rate of a kind of label.

    Args:
        kind: that of the label.
        scored: (n,) rows; decisions need `predicted`.
        group: (n,) codes 0..groups-1.
        weights: (draws + 1, clusters) of `draw_clusters`, the first row with every cluster once.
        least_rows: a group with fewer rows is in no comparison, nor is one over fewer than `LEAST_CLUSTERS` clusters.

    Returns:
        a disparity for each rate by its name; none where fewer than two groups can be judged by it.
    """
    groups = int(group.max()) + 1
    large = _large_enough(scored, group, groups, least_rows)
    found = {}
    for rate in RATES_OF[kind]:
        counted, whole = (_summed(part, scored, group, groups) for part in rate.parts(scored))
        judged = large & ((whole > 0).sum(axis=0) >= LEAST_CLUSTERS)
        if judged.sum() > 1:
            found[rate.name] = _disparity(rate, (weights @ counted, weights @ whole), judged, scored.clusters)
    return found


def _summed(part: np.ndarray, scored: Scored, group: np.ndarray, groups: int) -> np.ndarray:
    place = scored.cluster * groups + group
    sums = np.bincount(place, weights=scored.weighed(part), minlength=scored.clusters * groups)
    return sums.reshape(scored.clusters, groups)


def _large_enough(scored: Scored, group: np.ndarray, groups: int, least_rows: int) -> np.ndarray:
    rows = np.bincount(group, minlength=groups)
    clusters = np.bincount(np.unique(scored.cluster * groups + group) % groups, minlength=groups)
    large: np.ndarray = (rows >= least_rows) & (clusters >= LEAST_CLUSTERS)
    return large


def _disparity(rate: Rate, sums: Parts, judged: np.ndarray, clusters: int) -> Disparity:
    """Compare groups; `sums` are what is counted and the whole, (draws + 1, groups), first over all clusters."""
    counted, whole = sums
    rates = np.divide(counted, whole, out=np.full(whole.shape, np.nan), where=whole > 0)
    known = np.where(judged, rates[0], np.nan)
    highest, lowest = int(np.nanargmax(known)), int(np.nanargmin(known))
    top, bottom = float(known[highest]), float(known[lowest])
    places = np.flatnonzero(judged)
    few, all_of = counted[:, places], whole[:, places]
    low, high = _bounds(rates[:, places], _least_variance(rate, few[0], all_of[0], logarithm=False), clusters)
    difference = (top - bottom, low, min(high, 1.0) if rate.is_share else high)
    return Disparity(known, highest, lowest, difference, _ratio(rate, (few, all_of), (top, bottom), clusters))


def _ratio(rate: Rate, sums: Parts, ends: tuple[float, float], clusters: int) -> tuple[float, float, float] | None:
    if not rate.has_ratio:
        return None
    counted, whole = sums
    # Half a row is added, so that a group without a single case has a logarithm (Haldane 1956).
    added = 0.5 if rate.is_share else 0.0
    smooth = np.divide(counted + added, whole + 2 * added, out=np.full(whole.shape, np.nan), where=whole > 0)
    with np.errstate(divide="ignore"):
        low, high = _bounds(np.log(smooth), _least_variance(rate, counted[0], whole[0], logarithm=True), clusters)
    value = ends[1] / ends[0] if ends[0] > 0 else 1.0
    # The largest gap of logarithms is the smallest ratio; smoothing may put the value itself just outside.
    return value, min(float(np.exp(-high)), value), max(float(np.exp(-low)), value)


def _least_variance(rate: Rate, counted: np.ndarray, whole: np.ndarray, *, logarithm: bool) -> np.ndarray:
    """Return the variance (groups,) that independent rows would leave at least; 0 for means of numbers."""
    if not rate.is_share:
        return np.zeros(len(whole))
    share = (counted + 2) / (whole + 4)
    variance: np.ndarray = share * (1 - share) / (whole + 4)
    return variance / share**2 if logarithm else variance


def _bounds(values: np.ndarray, least: np.ndarray, clusters: int) -> tuple[float, float]:
    """Return bounds of the largest difference between two columns of `values` (draws + 1, groups)."""
    one, other = np.array([*combinations(range(values.shape[1]), 2)]).T
    apart = values[:, one] - values[:, other]
    seen, drawn = apart[0], apart[1:]
    variance = np.nanmean((drawn - seen) ** 2, axis=0) * clusters / (clusters - 1)
    spread = np.sqrt(np.maximum(variance, least[one] + least[other]))
    with np.errstate(divide="ignore", invalid="ignore"):
        off = np.where(spread > 0, np.abs(drawn - seen) / spread, 0.0)
    # Where nothing varies between draws they say nothing; one pair alone needs the normal quantile.
    multiplier = max(NORMAL, float(np.quantile(np.nanmax(off, axis=1), COVERED)))
    low, high = np.abs(seen) - multiplier * spread, np.abs(seen) + multiplier * spread
    return max(0.0, float(low.max())), float(high.max())
