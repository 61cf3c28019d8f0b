"""What a score means: the probability of a positive among mature predictions with about that score."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from handrail.errors import InvalidInput


@dataclass(frozen=True, slots=True)
class Calibration:
    """A rising function from score to probability: its corners, (k,) each, scores ascending."""

    score: np.ndarray
    probability: np.ndarray

    def probability_of(self, score: np.ndarray) -> np.ndarray:
        """Return the probability of each score, (n,): linear between corners, constant outside."""
        return np.interp(score, self.score, self.probability)


def calibrate(score: np.ndarray, label: np.ndarray, weight: np.ndarray | None = None) -> Calibration:
    """Fit the rising function that is nearest to the labels (isotonic regression; Zadrozny, Elkan 2002).

    `score` and `label` (0 or 1) are (n,) mature predictions, `weight` says how many each represents.

    Raises:
        InvalidInput: no row has a weight, the arrays differ in length, a score is not finite, or a label is neither
            0 nor 1.
    """
    score, label = np.asarray(score, dtype=np.float64), np.asarray(label, dtype=np.float64)
    weight = np.ones(len(label)) if weight is None else np.asarray(weight, dtype=np.float64)
    if not score.shape == label.shape == weight.shape or not weight.sum() > 0:
        raise InvalidInput("score", "there is no row, or the arrays differ in length", "Pass one label a score.")
    if not (np.isfinite(score).all() and np.isin(label, (0, 1)).all()):
        problem = "a score is not finite, or a label is neither 0 nor 1"
        raise InvalidInput("score", problem, "Calibrate on mature, labelled predictions.")
    some = weight > 0
    level, row = np.unique(score[some], return_inverse=True)
    weights = np.bincount(row, weights=weight[some])
    means = np.bincount(row, weights=weight[some] * label[some]) / weights
    return Calibration(level, _rising(means, weights))


def _rising(means: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return the nearest values (k,) that never fall: neighbours that fall are pooled (Ayer et al. 1955)."""
    mean, mass, size = [0.0] * len(means), [0.0] * len(means), [0] * len(means)
    last = -1
    for one, of in zip(means.tolist(), weights.tolist(), strict=True):
        last += 1
        mean[last], mass[last], size[last] = one, of, 1
        while last and mean[last - 1] >= mean[last]:
            both = mass[last - 1] + mass[last]
            mean[last - 1] = (mean[last - 1] * mass[last - 1] + mean[last] * mass[last]) / both
            mass[last - 1], size[last - 1] = both, size[last - 1] + size[last]
            last -= 1
    return np.repeat(mean[: last + 1], size[: last + 1])
