"""The difference between two versions at each look, as gain, variance and subjects: what every rule of stopping reads.

Observations are clustered by subject: a subject that sends many predictions is one observation.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from handrail.errors import InvalidInput


@dataclass(frozen=True, slots=True)
class Arm:
    """One version's mean so far, the variance of that mean, and its number of subjects; each scalar or (looks,)."""

    mean: np.ndarray
    variance: np.ndarray
    subjects: np.ndarray


@dataclass(frozen=True, slots=True)
class Difference:
    """Challenger minus champion at each look, three arrays of (..., looks), each look including the ones before.

    `variance` is that of `gain`, 0 where it is not known yet; `units` is how many subjects each arm has (the harmonic
    mean where arms differ), or how many there are where both answered the same.
    """

    gain: np.ndarray
    variance: np.ndarray
    units: np.ndarray

    def favouring(self, better: Literal["higher", "lower"]) -> Difference:
        """Return the difference with a positive gain where the challenger is better."""
        return replace(self, gain=-self.gain) if better == "lower" else self


def arm_of_values(values: np.ndarray, subject: np.ndarray | None = None, weight: np.ndarray | None = None) -> Arm:
    """Return the mean of `values` (n,) with its variance over subjects (n,) (ratio estimator, delta method).

    Without `subject` each row is one; `weight` (n,) says how many rows it represents.

    Raises:
        InvalidInput: there is no row, the arrays differ in length, or a value is not finite.
    """
    values = np.asarray(values, dtype=np.float64)
    weight = np.ones(len(values)) if weight is None else np.asarray(weight, dtype=np.float64)
    codes = np.arange(len(values)) if subject is None else np.unique(subject, return_inverse=True)[1]
    if not len(values) or not values.shape == weight.shape == codes.shape:
        raise InvalidInput("values", "there is no row, or the arrays differ in length", "Pass one subject a value.")
    if not (np.isfinite(values).all() and np.isfinite(weight).all()):
        raise InvalidInput("values", "a value is not finite", "Leave out rows whose outcome is not known.")
    mean = np.average(values, weights=weight)
    rest = np.bincount(codes, weights=weight * (values - mean))
    subjects = len(rest)
    variance = np.square(rest).sum() / weight.sum() ** 2 * subjects / (subjects - 1) if subjects > 1 else 0.0
    return Arm(np.array(mean), np.array(variance), np.array(float(subjects)))


def difference_of_means(champion: Arm, challenger: Arm) -> Difference:
    """Return challenger minus champion for two separate groups of subjects."""
    return Difference(
        challenger.mean - champion.mean,
        champion.variance + challenger.variance,
        _per_arm(champion.subjects, challenger.subjects),
    )


def difference_of_proportions(
    champion: tuple[np.ndarray, np.ndarray], challenger: tuple[np.ndarray, np.ndarray]
) -> Difference:
    """Return the difference of two proportions, each arm as (successes, subjects), both (..., looks) and cumulative.

    The variance is the pooled or the unpooled one, whichever is larger: the first holds where there is no difference,
    the second where there is.

    Raises:
        InvalidInput: there are more successes than subjects, or fewer than none.
    """
    (good, of), (better, among) = ((np.asarray(s, dtype=np.float64), np.asarray(n)) for s, n in (champion, challenger))
    if ((good < 0) | (good > of)).any() or ((better < 0) | (better > among)).any():
        raise InvalidInput("successes", "they are not between 0 and the subjects", "Count each subject once.")
    first, second = good / np.maximum(of, 1), better / np.maximum(among, 1)
    pool = (good + better) / np.maximum(of + among, 1)
    each = np.maximum(of, 1), np.maximum(among, 1)
    pooled = pool * (1 - pool) * (1 / each[0] + 1 / each[1])
    unpooled = first * (1 - first) / each[0] + second * (1 - second) / each[1]
    return Difference(second - first, np.maximum(pooled, unpooled), _per_arm(of, among))


def paired_difference(gain: np.ndarray, subject: np.ndarray | None = None) -> Difference:
    """Return the mean of what the challenger gains on each request, (n,), clustered by subject (n,): shadow mode.

    Raises:
        InvalidInput: there is no row, the arrays differ in length, or a value is not finite.
    """
    arm = arm_of_values(gain, subject)
    return Difference(arm.mean, arm.variance, arm.subjects)


def at_looks(differences: Sequence[Difference]) -> Difference:
    """Put single looks, the earliest first, into one difference with arrays of (looks,)."""
    return Difference(
        np.array([one.gain for one in differences], dtype=np.float64),
        np.array([one.variance for one in differences], dtype=np.float64),
        np.array([one.units for one in differences], dtype=np.float64),
    )


def _per_arm(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    units: np.ndarray = 2 / (1 / np.maximum(first, 1e-9) + 1 / np.maximum(second, 1e-9))
    return units
