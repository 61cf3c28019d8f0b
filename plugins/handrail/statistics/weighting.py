"""Weights for what was seen with a known probability, and means with them.

A prediction that was kept, shown or labelled with probability p represents 1 / p predictions (Horvitz, Thompson 1952).
Metrics take these weights as `Scored.weight`, which is the self-normalised form (Hájek 1971).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from handrail.errors import InvalidInput
from handrail.statistics.scored import Estimate, Intervals, draw_clusters, estimate

SMALLEST = 0.01
"""Probabilities below it count as this, so that no single prediction represents more than a hundred others."""


@dataclass(frozen=True, slots=True)
class Weights:
    """One weight a row, (n,), and how many of them were cut because their probability was too small."""

    value: np.ndarray
    clipped: int = 0

    @property
    def effective(self) -> float:
        """How many equally weighted rows would be as informative."""
        return effective_sample_size(self.value)


def inverse_probability(*probability: np.ndarray, smallest: float = SMALLEST) -> Weights:
    """Return 1 / p for each row, p the product of the given probabilities, (n,) each.

    Pass the sampling probability, the propensity of the variant, the share of labels that have arrived: one array for
    each independent reason why a row is seen. Products below `smallest` are raised to it, and counted in `clipped`:
    that trades a small bias for a bounded variance.

    Raises:
        InvalidInput: a probability is not above 0 and at most 1, or the arrays differ in length.
    """
    arrays = [np.asarray(one, dtype=np.float64) for one in probability]
    if not arrays or any(one.shape != arrays[0].shape or one.ndim != 1 for one in arrays):
        raise InvalidInput("probability", "the arrays differ in length", "Pass one probability a row.")
    for one in arrays:
        odd = one[~((one > 0) & (one <= 1))]
        if len(odd):
            remedy = "Leave out rows that could not be seen, and log the probability of all others."
            raise InvalidInput("probability", f"{odd[0]:g} is not above 0 and at most 1", remedy)
    product = np.prod(arrays, axis=0)
    return Weights(1 / np.maximum(product, smallest), int(np.count_nonzero(product < smallest)))


def effective_sample_size(weight: np.ndarray) -> float:
    """Return (sum of weights)² / sum of squares (Kish 1965): n for equal weights (n,), less the more they differ."""
    weight = np.asarray(weight, dtype=np.float64)
    squares = float(np.square(weight).sum())
    return float(weight.sum()) ** 2 / squares if squares > 0 else 0.0


def horvitz_thompson_mean(
    values: np.ndarray, weight: np.ndarray, population: int, cluster: np.ndarray, intervals: Intervals
) -> Estimate:
    """Return the sum of weight times value over the `population` that the rows were sampled from, with its interval.

    `values`, `weight` and `cluster` are (n,). Unbiased without normalising; where the size of the population is not
    known, or the weights vary much, use `weighted_mean` with `Scored.weight`.

    Raises:
        InvalidInput: the arrays differ in length, or there is no row.
    """
    values, weight = np.asarray(values, dtype=np.float64), np.asarray(weight, dtype=np.float64)
    codes = np.unique(cluster, return_inverse=True)[1]
    if not len(values) or not values.shape == weight.shape == codes.shape:
        raise InvalidInput("values", "there is no row, or the arrays differ in length", "Pass one weight a value.")
    sums = np.bincount(codes, weights=values * weight)
    return estimate(draw_clusters(len(sums), intervals) @ sums / population)
