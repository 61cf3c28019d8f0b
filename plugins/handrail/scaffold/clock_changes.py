"""Moments that a zone's clock skipped in spring or showed twice in autumn: how many there are, and how they are taken.

A skipped hour is taken an hour later, one that was there twice as the earlier one (`in_zone` in types.py).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from handrail.scaffold.profile import text_or_value
from handrail.scaffold.reading import Table
from handrail.scaffold.types import Reading

OFFSET = r"\d:\d{2}.*(?:Z|[+-]\d{2}:?\d{0,2})$"
"""Texts with an offset say the moment itself, whatever the zone."""


def clock_changes(table: Table, readings: Mapping[str, Reading], zone: str, names: Sequence[str]) -> list[str]:
    """Return one sentence for each of these columns in which the zone's clock did not show each moment exactly once."""
    moments = [name for name in names if name in readings and readings[name].type == "moment"]
    return [said for name in moments if (said := _sentence(table, name, readings[name], zone))]


def _sentence(table: Table, name: str, reading: Reading, zone: str) -> str:
    skipped, first, twice = _counted(table, name, reading, zone)
    parts = []
    if skipped:
        parts.append(f"skipped lie {_rows(skipped)}, such as {first:%Y-%m-%d %H:%M}, taken an hour later")
    if twice:
        parts.append(f"showed twice lie {_rows(twice)}, taken as the earlier one")
    if not parts:
        return ""
    shown = "; in hours that it ".join(parts)
    return f"{name!r}: in hours that the clock of {zone} {shown}. Otherwise: write offsets, or another --zone."


def _rows(number: int) -> str:
    return f"{number:,} row{'' if number == 1 else 's'}"


def _counted(table: Table, name: str, reading: Reading, zone: str) -> tuple[Any, ...]:
    """Return how many rows the clock skipped, the first of them, and how many it showed twice."""
    import polars as pl

    kind = table.scan().collect_schema()[name]
    if getattr(kind, "time_zone", None) is not None:
        return 0, None, 0
    value = text_or_value(table, name)
    without_offset = pl.lit(value=True) if kind.is_temporal() else ~value.str.contains(OFFSET)
    local = pl.when(without_offset).then(reading.convert(value, "UTC").dt.replace_time_zone(None))
    at = pl.col("shown")
    there = at.dt.replace_time_zone(zone, ambiguous="earliest", non_existent="null").is_not_null()
    once = at.dt.replace_time_zone(zone, ambiguous="null", non_existent="null").is_not_null()
    frame = table.scan().select(local.alias("shown")).drop_nulls()
    counted = frame.select(
        skipped=(~there).sum(), first=at.filter(~there).min(), twice=(there & ~once).sum()
    )  # fmt: skip
    return tuple(counted.collect(engine="streaming").row(0))
