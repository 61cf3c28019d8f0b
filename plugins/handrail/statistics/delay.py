"""How long labels take: the share of predictions labelled by each age, with those still waiting counted as waiting."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from handrail.errors import InvalidInput
from handrail.statistics.normal import two_sided
from handrail.statistics.scored import Estimate
from handrail.statistics.weighting import SMALLEST, Weights, inverse_probability


@dataclass(frozen=True, slots=True)
class LabelDelay:
    """The curve of label delay, seven values; arrays are (k,), one entry for each delay at which a label arrived.

    `time` ascends, in the unit of the input; `share` is the estimated share labelled by then, `low` and `high` its
    pointwise interval; `waiting` counts predictions that had no label just before and were old enough to be seen,
    `labels` the labels at that delay. `predictions` counts all rows, `censored` those without a label so far.
    """

    time: np.ndarray
    share: np.ndarray
    low: np.ndarray
    high: np.ndarray
    waiting: np.ndarray
    labels: np.ndarray
    predictions: int
    censored: int

    def share_by(self, age: np.ndarray | float) -> np.ndarray:
        """Return the estimated share that is labelled by each age, of its shape; 0 before the first label."""
        at = np.searchsorted(self.time, np.asarray(age, dtype=np.float64), side="right")
        return np.concatenate([[0.0], self.share])[at]

    def quantile(self, share: float) -> Estimate:
        """Return the age by which that share is labelled, with its interval; NaN where so many never were."""
        ends = (_first(self.time, curve >= share) for curve in (self.share, self.high, self.low))
        return Estimate(*ends)

    def weights(self, age: np.ndarray, smallest: float = SMALLEST) -> Weights:
        """Return for labelled rows (n,) of an immature cohort 1 / the share labelled by the age of their prediction.

        `age` is from the prediction to as-of, not to the label. Few labels are there of young predictions, so each
        represents more. It holds if labels of all outcomes take equally long.

        Raises:
            InvalidInput: an age is below the shortest delay, so that its share is 0.
        """
        return inverse_probability(self.share_by(age), smallest=smallest)


def label_delay(waited: np.ndarray, labelled: np.ndarray, alpha: float = 0.05) -> LabelDelay:
    """Estimate the curve of label delay (Kaplan, Meier 1958), rows without a label censored at their age.

    `waited` (n,) is the time from the prediction to its first label, or to as-of if there is none; `labelled` (n,)
    is true where there is one. A label stamped before its prediction, by another clock, counts as arrived at once.
    The interval is Greenwood's on the log-log scale, with `alpha` its probability of error at one age.

    Raises:
        InvalidInput: there is no row, the arrays differ in length, a time is not finite, or an unlabelled prediction
            was made after as-of.
    """
    waited, labelled = np.asarray(waited, dtype=np.float64), np.asarray(labelled, dtype=bool)
    _require_times(waited, labelled)
    waited = np.maximum(waited, 0.0)
    time, labels = np.unique(waited[labelled], return_counts=True)
    waiting = len(waited) - np.searchsorted(np.sort(waited), time, side="left")
    left = np.cumprod(1 - labels / waiting)
    low, high = _interval(left, labels, waiting, two_sided(alpha))
    return LabelDelay(time, 1 - left, low, high, waiting, labels, len(waited), int(np.count_nonzero(~labelled)))


def _interval(left: np.ndarray, labels: np.ndarray, waiting: np.ndarray, z: float) -> tuple[np.ndarray, np.ndarray]:
    """Return both ends of the share labelled; where nobody waits any more, the last lower end and 1."""
    some = left > 0
    spread = np.zeros(len(left))
    spread[some] = np.cumsum(labels[some] / (waiting[some] * (waiting[some] - labels[some])))
    low, high = np.ones(len(left)), np.ones(len(left))
    step = z * np.sqrt(spread[some]) / np.log(left[some])
    low[some], high[some] = 1 - left[some] ** np.exp(step), 1 - left[some] ** np.exp(-step)
    if not some.all():
        low[~some] = low[some][-1] if some.any() else 0.0
    return low, high


def _require_times(waited: np.ndarray, labelled: np.ndarray) -> None:
    if not len(waited) or waited.shape != labelled.shape:
        raise InvalidInput("waited", f"{waited.size} times for {labelled.size} rows", "Pass one time for each row.")
    if not np.isfinite(waited).all():
        raise InvalidInput("waited", "a time is not finite", "Pass the age at as-of where there is no label.")
    if (waited[~labelled] < 0).any():
        raise InvalidInput("waited", "a prediction was made after as-of", "Leave it out, or use a later as-of.")


def _first(time: np.ndarray, reached: np.ndarray) -> float:
    return float(time[np.argmax(reached)]) if reached.any() else float("nan")
