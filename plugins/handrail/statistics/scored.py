"""Scored subjects with their outcome, and intervals that treat a whole cluster as one observation.

Subjects of one cluster (a day, a customer) share what happened to them, so clusters are drawn with replacement, never
subjects (cluster bootstrap: Cameron, Gelbach, Miller 2008, percentile interval).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

QUANTILES = (0.025, 0.975)


@dataclass(frozen=True, slots=True)
class Intervals:
    """How often clusters are drawn again for a confidence interval, and the seed of the draws."""

    draws: int
    seed: int


@dataclass(frozen=True, slots=True)
class Scored:
    """Subjects with a known outcome, arrays of (n,).

    `score` is the probability of a positive, the probability of the predicted class, or the predicted number; `label`
    is 0 or 1, the code of a class, or a number; `cluster` has codes 0..clusters-1; `predicted` is the code of the
    predicted class, and is needed where there are more than two; `weight` says how many subjects a row represents, one
    each if there is none (see `inverse_probability`).
    """

    score: np.ndarray
    label: np.ndarray
    cluster: np.ndarray
    predicted: np.ndarray | None = None
    weight: np.ndarray | None = None

    @property
    def clusters(self) -> int:
        """How many cluster codes there are."""
        return int(self.cluster.max()) + 1

    def part(self, chosen: np.ndarray) -> Scored:
        """Return the chosen rows (boolean mask or indices), clusters counted anew."""
        cluster = np.unique(self.cluster[chosen], return_inverse=True)[1]
        predicted = None if self.predicted is None else self.predicted[chosen]
        weight = None if self.weight is None else self.weight[chosen]
        return Scored(self.score[chosen], self.label[chosen], cluster, predicted, weight)

    def weighed(self, of_rows: np.ndarray) -> np.ndarray:
        """Return `of_rows` (n,), each times its weight, as float64."""
        return of_rows.astype(np.float64) if self.weight is None else of_rows * self.weight

    def summed(self, of_rows: np.ndarray) -> np.ndarray:
        """Return the weighted sum of `of_rows` (n,) over each cluster, (clusters,)."""
        return np.bincount(self.cluster, weights=self.weighed(of_rows), minlength=self.clusters)


@dataclass(frozen=True, slots=True)
class Estimate:
    """A metric with its 95 % interval."""

    value: float
    low: float
    high: float

    def as_dict(self) -> dict[str, float]:
        """Return plain numbers for JSON, rounded to nine decimals."""
        return {"value": round(self.value, 9), "low": round(self.low, 9), "high": round(self.high, 9)}


def draw_clusters(clusters: int, intervals: Intervals) -> np.ndarray:
    """Return how often each cluster is drawn, (draws + 1, clusters) float64; the first row is every cluster once."""
    source = np.random.default_rng(intervals.seed)
    drawn = source.multinomial(clusters, np.full(clusters, 1 / clusters), size=intervals.draws)
    return np.vstack([np.ones(clusters), drawn])


def estimate(values: np.ndarray) -> Estimate:
    """Turn the metric on all clusters (first value) and on drawn clusters (the rest) into an estimate."""
    drawn = values[1:][np.isfinite(values[1:])]
    low, high = np.quantile(drawn, QUANTILES) if len(drawn) else (np.nan, np.nan)
    return Estimate(float(values[0]), float(low), float(high))


def weighted_mean(of_rows: np.ndarray, scored: Scored, weights: np.ndarray) -> np.ndarray:
    """Return the mean of `of_rows` (n,) for each row of `weights` (draws, clusters)."""
    sums, counts = scored.summed(of_rows), scored.summed(np.ones(len(of_rows)))
    mean: np.ndarray = (weights @ sums) / (weights @ counts)
    return mean
