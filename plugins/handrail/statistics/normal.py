"""The standard normal distribution on arrays, so that figures need NumPy alone."""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np

from handrail.errors import InvalidInput

_STANDARD = NormalDist()
_ERFC = np.frompyfunc(math.erfc, 1, 1)


def two_sided(alpha: float) -> float:
    """Return the z that a standard normal passes, on either side, with probability `alpha`.

    Raises:
        InvalidInput: alpha is not between 0 and 1.
    """
    require_alpha(alpha)
    return -_STANDARD.inv_cdf(alpha / 2)


def upper_tail(z: np.ndarray) -> np.ndarray:
    """Return the probability of a value above each z, of the same shape; exact far out, where 1 - cdf would be 0."""
    tail: np.ndarray = 0.5 * np.asarray(_ERFC(np.asarray(z, dtype=np.float64) / math.sqrt(2)), dtype=np.float64)
    return tail


def density(z: np.ndarray) -> np.ndarray:
    """Return the density at each z, of the same shape."""
    value: np.ndarray = np.exp(-0.5 * np.square(z)) / math.sqrt(2 * math.pi)
    return value


def require_alpha(alpha: float) -> None:
    """Refuse an error rate that is none.

    Raises:
        InvalidInput: alpha is not between 0 and 1.
    """
    if not 0 < alpha < 1:
        raise InvalidInput("alpha", f"{alpha!r} is not between 0 and 1", "Use 0.05 for an interval of 95 %.")
