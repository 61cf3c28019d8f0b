"""Metrics of predicted numbers; each takes (draws, clusters) weights and returns (draws,) values."""

from __future__ import annotations

import numpy as np

from handrail.statistics.scored import Scored, weighted_mean

SMALLEST = 1e-9


def mean_absolute_error(scored: Scored, weights: np.ndarray) -> np.ndarray:
    """Return the mean absolute error."""
    return weighted_mean(np.abs(errors(scored)), scored, weights)


def root_mean_squared_error(scored: Scored, weights: np.ndarray) -> np.ndarray:
    """Return the root of the mean squared error."""
    return np.sqrt(weighted_mean(errors(scored) ** 2, scored, weights))


def bias(scored: Scored, weights: np.ndarray) -> np.ndarray:
    """Return the mean of prediction minus truth."""
    return weighted_mean(errors(scored), scored, weights)


def r_squared(scored: Scored, weights: np.ndarray) -> np.ndarray:
    """Return the explained share of the variance, without a unit; NaN where every drawn truth is the same."""
    # Around the overall mean: squares of numbers far from zero would cancel each other out.
    label = scored.label.astype(np.float64)
    label = label - label.mean()
    spread = weighted_mean(label**2, scored, weights) - weighted_mean(label, scored, weights) ** 2
    lost = weighted_mean(errors(scored) ** 2, scored, weights)
    varied = spread > np.finfo(np.float64).eps * max(1.0, float(np.mean(label**2)))
    explained: np.ndarray = 1 - np.divide(lost, spread, out=np.full(len(weights), np.nan), where=varied)
    return explained


def poisson_deviance(scored: Scored, weights: np.ndarray) -> np.ndarray:
    """Return the mean Poisson deviance of counts; a prediction below 1e-9 counts as that."""
    return weighted_mean(poisson_deviances(scored), scored, weights)


def poisson_deviances(scored: Scored) -> np.ndarray:
    """Return the Poisson deviance of each row."""
    expected = np.maximum(scored.score.astype(np.float64), SMALLEST)
    counted = scored.label.astype(np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(counted > 0, counted * np.log(counted / expected), 0.0)
    deviances: np.ndarray = 2 * (ratio - counted + expected)
    return deviances


def mean_label(scored: Scored, weights: np.ndarray) -> np.ndarray:
    """Return the mean truth."""
    return weighted_mean(scored.label.astype(np.float64), scored, weights)


def errors(scored: Scored) -> np.ndarray:
    """Return prediction minus truth of each row."""
    found: np.ndarray = scored.score.astype(np.float64) - scored.label
    return found
