"""Which days are for training, for validation and for the time after go-live: 50, 15 and 35 % of the span."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

from handrail.clock import midnight
from handrail.errors import InvalidInput

TRAIN, VALIDATE = 0.5, 0.65
FEWEST = 30
"""Rows that each window needs."""
MADE_FROM, MADE_UNTIL = date(2024, 1, 1), date(2024, 7, 1)
"""Half-open days over which rows without a time are spread."""
DELAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Windows:
    """Half-open windows of local days, and the moments between which the time after go-live lies."""

    train_from: date
    train_until: date
    validate_until: date
    go_live: datetime
    live_until: datetime
    outcomes_until: datetime
    note: str


def cut(days: Mapping[date, int], last_known: datetime, zone: str) -> Windows:
    """Cut the days of events, each with its number of rows, at starts of months if they allow it, else at days.

    Raises:
        InvalidInput: there are too few days for three windows.
    """
    first, after = min(days), max(days) + timedelta(days=1)
    months = [day for day in _month_starts(first, after) if first < day < after]
    starts = [first + timedelta(days=number) for number in range(1, (after - first).days)]
    by_rows = _quantiles(days)
    wanted = [_at(first, after, TRAIN), _at(first, after, VALIDATE)]
    for cuts, targets, how in (
        (months, wanted, "at starts of months"),
        (starts, wanted, "at days, as there are too few months"),
        (starts, by_rows, "by the number of rows, as most days have few"),
    ):
        found = _nearest(cuts, targets)
        if found and all(_rows(days, *window) >= FEWEST for window in pairwise([first, *found, after])):
            return _windows((first, *found, after), last_known, zone, how)
    raise InvalidInput(
        "--time",
        f"its {len(days)} days from {first} to {max(days)} do not give three windows of {FEWEST} rows",
        "Give a table over more days, or write --time none.",
    )


def _windows(edges: Sequence[date], last_known: datetime, zone: str, how: str) -> Windows:
    first, train_until, validate_until, after = edges
    outcomes = max(last_known.astimezone(ZoneInfo(zone)).date(), after) + timedelta(days=1)
    note = (
        f"Training is from {first} until {train_until}, validation until {validate_until}, the rest comes after "
        f"go-live: cut {how}. Otherwise: params.yaml."
    )
    go_live, live_until, outcomes_until = (midnight(day, zone) for day in (validate_until, after, outcomes))
    return Windows(first, train_until, validate_until, go_live, live_until, outcomes_until, note)


def _month_starts(first: date, after: date) -> list[date]:
    months = range(first.year * 12 + first.month, after.year * 12 + after.month)
    return [date(month // 12, month % 12 + 1, 1) for month in months]


def _at(first: date, after: date, part: float) -> date:
    return first + (after - first) * part


def _quantiles(days: Mapping[date, int]) -> list[date]:
    """Return the days before which the parts of the rows lie."""
    total, seen, found = sum(days.values()), 0, []
    targets = [TRAIN, VALIDATE]
    for day in sorted(days):
        seen += days[day]
        while targets and seen >= targets[0] * total:
            targets.pop(0)
            found.append(day + timedelta(days=1))
    return found


def _nearest(cuts: Sequence[date], targets: Sequence[date]) -> list[date]:
    """Return the two cuts nearest to the targets, nothing if there are not two with something between them."""
    if len(cuts) < 2:
        return []
    first = min(cuts[:-1], key=lambda day: abs(day - targets[0]))
    later = [day for day in cuts if day > first]
    return [first, min(later, key=lambda day: abs(day - targets[1]))]


def _rows(days: Mapping[date, int], start: date, end: date) -> int:
    return sum(rows for day, rows in days.items() if start <= day < end)


def made_moment(row: Any) -> Any:
    """Return the polars expression of a moment in UTC for each row number: a seeded shuffle over the made days.

    The same on each machine: SplitMix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators, 2014).
    """
    import polars as pl

    def number(value: int) -> Any:
        return pl.lit(value, dtype=pl.UInt64)

    mixed = row.cast(pl.UInt64) * number(0x9E3779B97F4A7C15)
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        mixed = (mixed ^ (mixed // number(1 << shift))) * number(factor)
    mixed = mixed ^ (mixed // number(1 << 31))
    seconds = (MADE_UNTIL - MADE_FROM) // timedelta(seconds=1)
    start = datetime(MADE_FROM.year, MADE_FROM.month, MADE_FROM.day, tzinfo=UTC)
    after = (mixed % number(seconds)).cast(pl.Int64)
    return pl.lit(start).cast(pl.Datetime("us", "UTC")) + pl.duration(seconds=after)
