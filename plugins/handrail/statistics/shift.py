"""How far values left those of a reference."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]
FLOOR = 1e-4
"""Added to each bin's share, so that an empty bin gives a large finite index."""


def stability_index(reference: Values, current: Values, bins: int) -> float:
    """Return the population stability index of `current` against quantile bins of `reference`.

    Both are one-dimensional; NaN is left out. 0 means equal, above 0.25 is commonly called a large shift
    (Siddiqi, Credit Risk Scorecards, 2006). The outer bins are open, so that no value falls outside.
    """
    known = reference[~np.isnan(reference)]
    inner = np.unique(np.quantile(known, np.linspace(0, 1, bins + 1)))[1:-1]
    before, after = (_shares(values, inner) for values in (known, current[~np.isnan(current)]))
    return float(np.sum((after - before) * np.log(after / before)))


def _shares(values: Values, inner: Values) -> Values:
    counts = np.bincount(np.searchsorted(inner, values, side="right"), minlength=len(inner) + 1)
    shares: Values = counts / max(1, len(values)) + FLOOR
    return shares
