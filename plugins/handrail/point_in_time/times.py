"""Times as the join compares them: UTC, in one unit fine enough that no two different moments become equal."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Literal

import polars as pl

Unit = Literal["us", "ns"]


def finest(types: Iterable[pl.DataType]) -> Unit:
    """Return nanoseconds if any column has them, else microseconds, whose range reaches the year 9999."""
    return "ns" if any(isinstance(dtype, pl.Datetime) and dtype.time_unit == "ns" for dtype in types) else "us"


def in_utc(schema: pl.Schema, column: str, unit: Unit) -> pl.Expr:
    """Return the column as UTC; a time without a zone is taken as UTC, a date as its midnight."""
    dtype = schema[column]
    if isinstance(dtype, pl.Datetime) and dtype.time_zone is not None:
        return pl.col(column).dt.convert_time_zone("UTC").cast(pl.Datetime(unit, "UTC"))
    return pl.col(column).cast(pl.Datetime(unit)).dt.replace_time_zone("UTC")


def moment(at: datetime, unit: Unit) -> pl.Expr:
    """Return a moment as a literal of the type that `in_utc` gives; without a zone it is taken as UTC."""
    aware = at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    return pl.lit(aware).cast(pl.Datetime(unit, "UTC"))
