"""Which columns of a month changed against the reference, within a budget of false alarms.

Weeks are compared, not rows (`handrail.statistics.change`). A month's weeks are counted from its first day, each with
all its weekdays and hours; what is left of the month is not compared. Where the reference holds enough weeks of the
same season, a week is compared with those alone, else with the whole reference. Nothing is kept but a summary of each
week in the month's own record: later months read it there, so that a month that is judged again is judged alike.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

import numpy as np
import polars as pl

from flows.steps.monitoring.config import DriftBudget
from handrail.statistics import (
    Summaries,
    evidence_of_change,
    named_by_ebh,
    summarise_categories,
    summarise_numbers,
)

DAY, SCORE = "local_day", "score"
FEWEST = 12
"""From fewer units of the reference nothing can be said within a budget: no rank of them is rare enough."""
MOST_CATEGORIES = 30
"""So many categories of the reference are kept apart, the most frequent ones."""


@dataclass(frozen=True)
class Units:
    """Summaries of columns by name over successive units of `days` days; `first` is the day of each."""

    first: tuple[date, ...]
    columns: Mapping[str, Summaries]
    days: int

    @property
    def season(self) -> np.ndarray:
        """The quarter of the year in which each unit has its middle, 0 to 3."""
        return np.array([((day + timedelta(days=self.days // 2)).month - 1) // 3 for day in self.first], dtype=int)

    def as_json(self) -> dict[str, Any]:
        """Return the units as JSON values; what is not known is null."""
        columns = {
            name: {
                "level": _plain(of.level),
                "missing": _plain(of.missing),
                "profile": [_plain(row) for row in of.profile],
                "categorical": of.categorical,
            }
            for name, of in self.columns.items()
        }
        return {"first": [day.isoformat() for day in self.first], "days": self.days, "columns": columns}


@dataclass(frozen=True)
class Drift:
    """Evidence by column, and the columns that are said to have changed, those with most evidence first.

    `units` and `reference_units` were compared, each with its season's or with all. `key` names what a record has to
    share so that its units count on; `reason` says why nothing could be judged, and then the rest is empty.
    """

    level: float
    evidence: Mapping[str, float] = field(default_factory=dict)
    named: tuple[str, ...] = ()
    units: int = 0
    reference_units: int = 0
    seasonal: bool = False
    key: str = ""
    month: Units | None = None
    reason: str | None = None

    @property
    def strength(self) -> float:
        """The e-BH statistic: columns are named from 1 / level on."""
        weights = weights_of(self.evidence)
        scaled = sorted((value * weights[name] for name, value in self.evidence.items()), reverse=True)
        return max((rank * value for rank, value in enumerate(scaled, 1)), default=0.0)

    def as_json(self) -> dict[str, Any]:
        """Return what was found as JSON values, with the month's units for later months."""
        return {
            "rule": "index" if self.reason else "budget",
            "why": self.reason,
            "level": self.level,
            "evidence": {name: float(value) for name, value in self.evidence.items()},
            "named": list(self.named),
            "units": self.units,
            "reference_units": self.reference_units,
            "seasonal": self.seasonal,
            "key": self.key,
            "summaries": self.month.as_json() if self.month else None,
        }


def judge_drift(
    reference: pl.DataFrame,
    current: pl.DataFrame,
    earlier: Sequence[Mapping[str, Any]],
    budget: DriftBudget,
    unit_days: int,
) -> Drift:
    """Say which columns of a month changed.

    `reference` and `current` hold `DAY`, `SCORE` and features, a row a prediction; text columns are categories.
    `earlier` are the drift entries of the records of the months before, oldest first: those about the same reference
    and columns count, as far as they follow each other up to this month without a gap.
    """
    if DAY not in reference.columns or reference[DAY].null_count():
        return Drift(budget.level, reason="The reference has no days, so its weeks cannot be kept apart.")
    columns = [name for name in current.columns if name != DAY and name in reference.columns]
    categories = {name: _categories(reference[name]) for name in columns if not _is_numeric(reference[name])}
    before = summarise(reference.select(DAY, *columns), categories, unit_days)
    if len(before.first) < FEWEST:
        found = f"The reference has {len(before.first)} units of {unit_days} days, and {FEWEST} are needed."
        return Drift(budget.level, reason=found)
    month = summarise(current.select(DAY, *columns), categories, unit_days)
    if not month.first:
        return Drift(budget.level, reason=f"The month has no whole unit of {unit_days} days.")
    key = _key(before, categories)
    window = [month]
    for entry in reversed(earlier):
        if entry.get("key") != key or not entry.get("summaries"):
            break
        window.insert(0, _read_units(entry["summaries"]))
    return _compared(before, window, month, key, budget.level)


def _compared(before: Units, window: Sequence[Units], month: Units, key: str, level: float) -> Drift:
    recent = np.concatenate([each.season for each in window])
    held = np.bincount(before.season, minlength=4)
    seasonal = bool((held[recent] >= FEWEST).all())
    season = (before.season, recent) if seasonal else None
    evidence = {}
    for name, of in before.columns.items():
        after = window[0].columns[name]
        for each in window[1:]:
            after = after.followed_by(each.columns[name])
        evidence[name] = evidence_of_change(of, after, season)
    named = named_by_ebh(evidence, level, weights_of(evidence))
    compared = int(held[np.unique(recent)].sum()) if seasonal else len(before.first)
    return Drift(level, evidence, named, len(recent), compared, seasonal, key, month)


def weights_of(evidence: Mapping[str, float]) -> dict[str, float]:
    """Return the share of the level of each column: half for the score, whose drift matters most, the rest shared."""
    others = [name for name in evidence if name != SCORE]
    if SCORE not in evidence or not others:
        return dict.fromkeys(evidence, 1 / max(1, len(evidence)))
    return dict.fromkeys(others, 0.5 / len(others)) | {SCORE: 0.5}


def summarise(rows: pl.DataFrame, categories: Mapping[str, tuple[str, ...]], unit_days: int) -> Units:
    """Summarise each column by unit, counted from the first day; what is no whole unit at the end is left out."""
    first, last = rows[DAY].min(), rows[DAY].max()
    if not isinstance(first, date) or not isinstance(last, date):
        return Units((), {}, unit_days)
    units = ((last - first).days + 1) // unit_days
    unit = ((rows[DAY] - first).dt.total_days() // unit_days).to_numpy()
    rows, unit = rows.filter(pl.Series(unit < units)), unit[unit < units]
    columns = {name: _summaries(rows[name], unit, units, categories.get(name)) for name in rows.columns if name != DAY}
    days = tuple(first + timedelta(days=unit_days * number) for number in range(units))
    return Units(days, columns, unit_days)


def _summaries(column: pl.Series, unit: np.ndarray, units: int, known: tuple[str, ...] | None) -> Summaries:
    if known is None:
        return summarise_numbers(column.cast(pl.Float64).fill_null(float("nan")).to_numpy(), unit, units)
    codes = {name: code for code, name in enumerate(known)}
    texts = column.cast(pl.String)
    numbered = texts.replace_strict(codes, default=len(known), return_dtype=pl.Int64)
    coded = pl.select(pl.when(texts.is_null()).then(-1).otherwise(numbered)).to_series()
    return summarise_categories(coded.to_numpy(), unit, units, len(known) + 1)


def _categories(column: pl.Series) -> tuple[str, ...]:
    """Return the most frequent categories in order of name; any other counts as one more."""
    counted = column.cast(pl.String).drop_nulls().value_counts().sort(["count", column.name], descending=[True, False])
    return tuple(sorted(counted[column.name].head(MOST_CATEGORIES).to_list()))


def _is_numeric(column: pl.Series) -> bool:
    return column.dtype.is_numeric() or column.dtype == pl.Boolean


def _key(before: Units, categories: Mapping[str, tuple[str, ...]]) -> str:
    """Name what units have to share to be compared: the reference to the digit, its columns and categories."""
    content = json.dumps([before.as_json(), {name: list(of) for name, of in categories.items()}], sort_keys=True)
    return hashlib.sha256(content.encode()).hexdigest()[:16]


def _read_units(entry: Mapping[str, Any]) -> Units:
    columns = {
        name: Summaries(
            _numbers(of["level"]),
            _numbers(of["missing"]),
            np.array([_numbers(row) for row in of["profile"]]),
            bool(of["categorical"]),
        )
        for name, of in entry["columns"].items()
    }
    return Units(tuple(map(date.fromisoformat, entry["first"])), columns, int(entry["days"]))


def _plain(values: np.ndarray) -> list[float | None]:
    """Return numbers as JSON; seven digits are far finer than any unit differs from another."""
    return [None if not np.isfinite(value) else float(f"{value:.7g}") for value in values]


def _numbers(values: Sequence[float | None]) -> np.ndarray:
    return np.array([np.nan if value is None else value for value in values], dtype=np.float64)
