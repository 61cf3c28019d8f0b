"""Comparing versions without a horizon: intervals that hold at every look, however often and long one looks.

A normal mixture over the true difference (Robbins 1970; Howard et al. 2021, proposition 5 and 6) gives the confidence
sequence; the test that it inverts is the mixture sequential probability ratio test (Johari et al. 2022). With estimated
variances it holds in the limit (Waudby-Smith et al. 2024), so that verdicts ask for a smallest number of subjects.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from handrail.errors import InvalidInput
from handrail.statistics.differences import Difference
from handrail.statistics.normal import require_alpha, upper_tail

HALVINGS = 60
MOST = 1e4


@dataclass(frozen=True, slots=True)
class OpenEnded:
    """Look whenever you want: over all looks together, an error has at most the probability `alpha`.

    `tau` is the standard deviation of true differences that the mixture expects, in the unit of the metric: the
    smallest difference that matters is a good choice, and any choice is valid.

    Raises:
        InvalidInput: alpha is not between 0 and 1, or tau is not a positive number.
    """

    tau: float
    alpha: float = 0.05

    def __post_init__(self) -> None:
        require_alpha(self.alpha)
        if not (self.tau > 0 and math.isfinite(self.tau)):
            raise InvalidInput("tau", f"{self.tau!r} is not a positive number", "Use the smallest gain that matters.")

    def radius(self, difference: Difference) -> np.ndarray:
        """Return the half width of the confidence sequence at each look; infinite where no variance is known yet."""
        variance, prior = _known(difference.variance), self.tau**2
        grown = np.log((variance + prior) / variance) - 2 * math.log(self.alpha)
        radius: np.ndarray = np.sqrt(variance * (variance + prior) / prior * grown)
        return np.where(np.isfinite(radius), radius, np.inf)

    def evidence(self, difference: Difference, null: float = 0.0) -> np.ndarray:
        """Return the e-value against a true difference of `null` at each look; 1 / alpha and more rejects it."""
        variance, prior = _known(difference.variance), self.tau**2
        away = np.square(difference.gain - null)
        log = 0.5 * (np.log(variance / (variance + prior)) + prior * away / (variance * (variance + prior)))
        return np.where(np.isfinite(variance), np.exp(np.minimum(log, 700)), 1.0)

    def p_value(self, difference: Difference) -> np.ndarray:
        """Return the always valid p-value of no difference at each look: it never rises."""
        return np.minimum.accumulate(np.minimum(1, 1 / self.evidence(difference)), axis=-1)

    def units_to_decide(self, difference: Difference) -> float:
        """Return about how many units an arm needs in all if the gain stays as at the last look, or infinity."""
        gain, variance, units = (
            float(np.ravel(of)[-1]) for of in (difference.gain, difference.variance, difference.units)
        )
        low, high = 1.0, MOST
        if not self._decides(gain, variance / high):
            return math.inf
        for _ in range(HALVINGS):
            middle = math.sqrt(low * high)
            low, high = (low, middle) if self._decides(gain, variance / middle) else (middle, high)
        return units * high

    def _decides(self, gain: float, variance: float) -> bool:
        look = Difference(np.array(gain), np.array(variance), np.array(1.0))
        return bool(abs(gain) > self.radius(look))


def tau_narrowest_at(variance: float, alpha: float = 0.05) -> float:
    """Return the tau whose interval is about the narrowest once the difference has that variance.

    Use it where the number of subjects by which one hopes to decide is known (Howard et al. 2021, section 3.5, by the
    approximation of Waudby-Smith et al. 2024, which is within a percent of the narrowest).
    """
    twice = -2 * math.log(alpha)
    return math.sqrt(variance * (twice + math.log1p(twice)))


def lower_bound(difference: Difference, tau: float, alpha: float = 0.05) -> np.ndarray:
    """Return at each look a bound that the true difference is above, at all looks with probability 1 - alpha.

    One-sided: the mixture is over positive differences only, so that it is tighter than the lower end of a two-sided
    interval. For an upper bound pass the negated gain and negate the answer.
    """
    rule = OpenEnded(tau, alpha)
    variance = _known(difference.variance)
    low = np.zeros_like(variance)
    high = OpenEnded(tau, alpha).radius(difference)
    high = np.where(np.isfinite(high), high, 0.0)
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        enough = _one_sided_log(middle, variance, rule.tau) >= -math.log(alpha)
        low, high = np.where(enough, low, middle), np.where(enough, middle, high)
    return np.where(np.isfinite(variance), difference.gain - high, -np.inf)


def _one_sided_log(gain: np.ndarray, variance: np.ndarray, tau: float) -> np.ndarray:
    """Return the logarithm of the e-value against every difference of 0 and less, a half-normal mixture."""
    prior = tau**2
    both = 0.5 * (np.log(variance / (variance + prior)) + prior * gain**2 / (variance * (variance + prior)))
    upper: np.ndarray = both + np.log(2 * upper_tail(-tau * gain / np.sqrt(variance * (variance + prior))))
    return upper


def _known(variance: np.ndarray) -> np.ndarray:
    variance = np.asarray(variance, dtype=np.float64)
    return np.where(variance > 0, variance, np.nan)
