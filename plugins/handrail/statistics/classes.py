"""Metrics of predicted classes; each takes (draws, clusters) weights and returns (draws,) values."""

from __future__ import annotations

import numpy as np

from handrail.statistics.scored import Scored, weighted_mean


def accuracy(scored: Scored, weights: np.ndarray) -> np.ndarray:
    """Return the share of right classes."""
    return weighted_mean((_predicted(scored) == scored.label).astype(np.float64), scored, weights)


def macro_f1(scored: Scored, weights: np.ndarray) -> np.ndarray:
    """Return the mean over classes of the harmonic mean of precision and recall.

    A class counts if it was drawn as truth or as prediction; one that was never right has 0.
    """
    predicted = _predicted(scored)
    scores, drawn = [], []
    for code in np.union1d(scored.label, predicted):
        right, true, called = (
            weights @ scored.summed(of)
            for of in ((scored.label == code) & (predicted == code), scored.label == code, predicted == code)
        )
        total = true + called
        scores.append(np.divide(2 * right, total, out=np.zeros(len(weights)), where=total > 0))
        drawn.append(total > 0)
    mean: np.ndarray = np.sum(scores, axis=0) / np.maximum(np.sum(drawn, axis=0), 1)
    return mean


def largest_share(scored: Scored, weights: np.ndarray) -> np.ndarray:
    """Return the share of the class that is most frequent in all rows: what always answering it would reach."""
    codes, row = np.unique(scored.label, return_inverse=True)
    most = codes[np.argmax(np.bincount(row, weights=scored.weight))]
    return weighted_mean((scored.label == most).astype(np.float64), scored, weights)


def _predicted(scored: Scored) -> np.ndarray:
    if scored.predicted is None:
        raise ValueError("Metrics of classes need the predicted class of each subject.")
    return scored.predicted
