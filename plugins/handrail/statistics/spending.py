"""Comparing versions up to a stated horizon: the error is spent over the looks, so that all of it is used.

Alpha spending (Lan, DeMets 1983): the schedule of looks need not be known before. Bounds are found by integrating the
density of the paths that have not stopped, look by look (Armitage, McPherson, Rowe 1969).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np

from handrail.errors import InvalidInput
from handrail.statistics.differences import Difference
from handrail.statistics.normal import density, require_alpha, two_sided, upper_tail

Spending = Literal["obrien_fleming", "pocock"]
FARTHEST = 8.0
"""No bound is farther out: beyond it lies less than 10^-14, which counts as nothing to spend."""
CLOSEST = 1e-4
"""Looks closer than this share of the horizon are refused: they would need a very fine grid and decide nothing."""
POINTS = np.polynomial.legendre.leggauss(16)
PANEL = 3.0
HALVINGS = 50


@dataclass(frozen=True, slots=True)
class FixedHorizon:
    """Look up to a horizon of so many subjects an arm: over all looks together an error has the probability `alpha`.

    `obrien_fleming` spends little early and hardly costs power at the horizon; `pocock` stops large differences sooner.

    Raises:
        InvalidInput: alpha is not between 0 and 1, the horizon is not positive, or the way of spending is unknown.
    """

    horizon: float
    alpha: float = 0.05
    spending: Spending = "obrien_fleming"

    def __post_init__(self) -> None:
        require_alpha(self.alpha)
        if not self.horizon > 0:
            raise InvalidInput("horizon", f"{self.horizon!r} is not a number of subjects", "Use one above 0.")
        if self.spending not in _SPENT:
            raise InvalidInput("spending", f"there is no {self.spending!r}", f"Use {' or '.join(_SPENT)}.")

    def radius(self, difference: Difference) -> np.ndarray:
        """Return the half width of the repeated confidence interval at each look.

        All looks that were taken have to be there, the earliest first; their `units` over the horizon are the share
        of the information.

        Raises:
            InvalidInput: looks do not ascend, or two are closer than a ten thousandth of the horizon.
        """
        units = np.asarray(difference.units, dtype=np.float64)
        shares = np.atleast_1d(units[(0,) * (units.ndim - 1)] if units.ndim > 1 else units) / self.horizon
        bounds = spending_bounds(tuple(shares.tolist()), self.alpha, self.spending)
        known = np.where(difference.variance > 0, difference.variance, np.inf)
        return np.asarray(bounds.reshape(np.shape(units)[-1:]) * np.sqrt(known))

    def units_to_decide(self, difference: Difference) -> float:
        """Return the horizon if the gain of the last look would decide there, else infinity: no look comes after it."""
        gain, variance, units = (np.ravel(of)[-1] for of in (difference.gain, difference.variance, difference.units))
        shares = [*(np.ravel(difference.units) / self.horizon), 1.0]
        if shares[-2] > 1 - CLOSEST:
            return math.inf
        last = spending_bounds(tuple(map(float, shares)), self.alpha, self.spending)[-1]
        return self.horizon if abs(gain) > last * math.sqrt(variance * units / self.horizon) else math.inf


@lru_cache(maxsize=64)
def spending_bounds(shares: tuple[float, ...], alpha: float, spending: Spending) -> np.ndarray:
    """Return the two-sided bound on |z| at each look, (looks,), of looks at these shares of the horizon's information.

    Looks past the horizon have nothing left to spend: their bound is infinite.

    Raises:
        InvalidInput: shares do not ascend from above 0, or two are too close.
    """
    if not shares or min(np.diff(shares, prepend=0.0)) < CLOSEST:
        problem = "looks do not ascend, or two are closer than a ten thousandth of the horizon"
        raise InvalidInput("looks", problem, "Pass all looks in their order, and look less often.")
    bounds, before = np.full(len(shares), np.inf), 0.0
    paths = _Paths(np.zeros(1), np.ones(1), 0.0)
    for look, share in enumerate(shares):
        if before >= 1:
            break
        to_spend = _SPENT[spending](min(share, 1.0), alpha) - (_SPENT[spending](before, alpha) if before else 0.0)
        step = math.sqrt(share - paths.share)
        bounds[look] = bound = paths.bound(to_spend, share)
        following = math.sqrt(shares[look + 1] - share) if look + 1 < len(shares) else step
        paths = paths.going_on(bound * math.sqrt(share), share, PANEL * min(step, following))
        before = share
    return bounds


@dataclass(frozen=True, slots=True)
class _Paths:
    """Brownian paths that have not stopped: mass at points of their value, at a share of the information."""

    at: np.ndarray
    mass: np.ndarray
    share: float

    def bound(self, to_spend: float, share: float) -> float:
        """Return the z at `share` that paths pass, on either side, with that probability."""
        step, low, high = math.sqrt(share - self.share), 0.0, FARTHEST
        for _ in range(HALVINGS):
            middle = (low + high) / 2
            passed = 2 * float(self.mass @ upper_tail((middle * math.sqrt(share) - self.at) / step))
            low, high = (middle, high) if passed > to_spend else (low, middle)
        return high

    def going_on(self, bound: float, share: float, panel: float) -> _Paths:
        """Return the paths that are between -bound and bound at `share`, on panels of at most that width."""
        step = math.sqrt(share - self.share)
        edges = np.linspace(-bound, bound, math.ceil(2 * bound / panel) + 1)
        half = np.diff(edges)[:, None] / 2
        at = ((edges[:-1, None] + half) + half * POINTS[0]).ravel()
        width = (half * POINTS[1]).ravel()
        return _Paths(at, width * (density((at[:, None] - self.at) / step) / step @ self.mass), share)


def _obrien_fleming(share: float, alpha: float) -> float:
    return 4 * float(upper_tail(np.array(two_sided(alpha / 2) / math.sqrt(share))))


def _pocock(share: float, alpha: float) -> float:
    return alpha * math.log1p((math.e - 1) * share)


_SPENT = {"obrien_fleming": _obrien_fleming, "pocock": _pocock}
