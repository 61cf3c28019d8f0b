"""What is kept of a column's rows in one unit of time, such as a week, so that units can be compared as wholes.

Rows of one unit share their season, their customers, their queues: they are no independent observations, and a unit
counts as one. A summary is a function of the unit's own rows alone.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

PROFILE = np.linspace(0.05, 0.95, 10)
"""The quantiles that describe the shape of numbers."""


@dataclass(frozen=True, slots=True)
class Summaries:
    """Summaries of a column, one row a unit.

    `level` (units,) is the mean of its numbers, NaN where there are none, as for categories; `missing` (units,) the
    share of rows without a value; `profile` (units, k) the quantiles of its numbers, or the shares of its categories
    (NaN in units without a value); `categorical` says which.
    """

    level: np.ndarray
    missing: np.ndarray
    profile: np.ndarray
    categorical: bool = False

    def __len__(self) -> int:
        return len(self.missing)

    def part(self, chosen: np.ndarray) -> Summaries:
        """Return the chosen units (boolean mask or indices)."""
        return Summaries(self.level[chosen], self.missing[chosen], self.profile[chosen], self.categorical)

    def followed_by(self, others: Summaries) -> Summaries:
        """Return these units and then the others; of categories, the others may have more, which come last."""
        width = max(self.profile.shape[1], others.profile.shape[1])
        profile = np.concatenate([_widened(each.profile, width) for each in (self, others)])
        level = np.concatenate([self.level, others.level])
        missing = np.concatenate([self.missing, others.missing])
        return Summaries(level, missing, profile, self.categorical)


def summarise_numbers(values: np.ndarray, unit: np.ndarray, units: int) -> Summaries:
    """Summarise numbers (n,), NaN where there is none, by the unit (n,) of each row, 0 to `units` - 1."""
    values, unit = np.asarray(values, dtype=np.float64), np.asarray(unit)
    order = np.argsort(unit, kind="stable")
    ends = np.searchsorted(unit[order], np.arange(1, units))
    level, missing = np.full(units, np.nan), np.full(units, np.nan)
    profile = np.full((units, len(PROFILE)), np.nan)
    for number, rows in enumerate(np.split(values[order], ends)):
        known = rows[np.isfinite(rows)]
        if len(rows):
            missing[number] = 1 - len(known) / len(rows)
        if len(known):
            level[number], profile[number] = known.mean(), np.quantile(known, PROFILE)
    return Summaries(level, missing, profile)


def summarise_categories(codes: np.ndarray, unit: np.ndarray, units: int, categories: int) -> Summaries:
    """Summarise codes of categories (n,), 0 to `categories` - 1, negative where there is none, by unit."""
    codes, unit = np.asarray(codes), np.asarray(unit)
    rows = np.bincount(unit, minlength=units).astype(np.float64)
    known = codes >= 0
    place = unit[known] * categories + codes[known]
    counts = np.bincount(place, minlength=units * categories).reshape(units, categories)
    with np.errstate(invalid="ignore", divide="ignore"):
        profile = counts / counts.sum(axis=1, keepdims=True)
        missing = 1 - counts.sum(axis=1) / rows
    return Summaries(np.full(units, np.nan), missing, profile, categorical=True)


def _widened(profile: np.ndarray, width: int) -> np.ndarray:
    return np.pad(profile, ((0, 0), (0, width - profile.shape[1])))
