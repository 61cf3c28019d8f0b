"""Times as the join compares them: UTC, in one unit fine enough that no two different moments become equal."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Literal

import polars as pl

Unit = Literal["us", "ns"]
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LAST_NS = 2**63 - 1
"""The last nanosecond that 64 bits hold, in the year 2262; its negative is in 1677."""


def finest(types: Iterable[pl.DataType]) -> Unit:
    """Return nanoseconds if any column has them, else microseconds, whose range reaches the year 9999."""
    return "ns" if any(isinstance(dtype, pl.Datetime) and dtype.time_unit == "ns" for dtype in types) else "us"


def in_utc(schema: pl.Schema, column: str, unit: Unit | None = None) -> pl.Expr:
    """Return the column as UTC; a time without a zone is taken as UTC, a date as its midnight.

    Without a unit the column keeps the finest that it has. In nanoseconds a time before 1677 becomes the first that
    they can represent, and one after 2262 null: no row of theirs can come after it.
    """
    dtype, own = schema[column], finest([schema[column]])
    if isinstance(dtype, pl.Datetime) and dtype.time_zone is not None:
        at = pl.col(column).dt.convert_time_zone("UTC").cast(pl.Datetime(own, "UTC"))
    else:
        at = pl.col(column).cast(pl.Datetime(own)).dt.replace_time_zone("UTC")
    if unit is None or unit == own:
        return at
    if unit == "us":
        return at.dt.cast_time_unit("us")
    first = pl.lit(-_LAST_NS, dtype=pl.Int64).cast(pl.Datetime("ns", "UTC"))
    too_early = at < first.dt.cast_time_unit("us")
    return pl.when(too_early).then(first).otherwise(at.cast(pl.Datetime("ns", "UTC"), strict=False)).alias(column)


def moment(at: datetime, unit: Unit) -> pl.Expr:
    """Return a moment as a literal of the type that `in_utc` gives; without a zone it is taken as UTC."""
    aware = at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    if unit == "us":
        return pl.lit(aware).cast(pl.Datetime("us", "UTC"))
    nanoseconds = (aware - _EPOCH) // timedelta(microseconds=1) * 1000
    return pl.lit(max(-_LAST_NS, min(_LAST_NS, nanoseconds)), dtype=pl.Int64).cast(pl.Datetime("ns", "UTC"))
