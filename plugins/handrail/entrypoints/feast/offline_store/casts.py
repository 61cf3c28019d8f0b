"""Casts of a column or of a folder name to the type of the column, and the values that a cast would change."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime

import polars as pl

from handrail.point_in_time.times import in_utc


def cast(column: str, held: pl.DataType, target: pl.DataType) -> pl.Expr:
    """Return a column of the type `held` as `target`; a value that `target` lacks is null or another one.

    Not-a-number becomes null where the target is no float: pandas represents a missing integer so.
    """
    if held == pl.Null:
        return pl.lit(None, dtype=target)
    if held == target:
        return pl.col(column)
    if isinstance(target, pl.Datetime):
        return _as_time(column, held, target)
    return _without_nan(pl.col(column), held, target).cast(target, strict=False)


def is_changed(column: str, held: pl.DataType, target: pl.DataType) -> pl.Expr:
    """Return whether the cast of a value is not the same value."""
    before, after = _without_nan(pl.col(column), held, target), cast(column, held, target)
    lost = before.is_not_null() & after.is_null()
    if isinstance(held, pl.String) and target.is_float():
        return lost | after.is_infinite()
    differs = _back(after, held, target).ne_missing(before)
    if isinstance(held, pl.Decimal) and target.is_float():
        # Polars before 2 cuts the digits of a float that becomes a decimal, and says another value for 37251529.55.
        differs &= after.cast(pl.String).cast(held, strict=False).ne_missing(before)
    return lost | differs


def _as_time(column: str, held: pl.DataType, target: pl.Datetime) -> pl.Expr:
    if _zone(held) == target.time_zone:
        return pl.col(column).cast(target, strict=False)
    utc = in_utc(pl.Schema({column: held}), column)
    return utc.cast(pl.Datetime(target.time_unit, "UTC"), strict=False)


def _back(after: pl.Expr, held: pl.DataType, target: pl.DataType) -> pl.Expr:
    if isinstance(target, pl.Datetime) and target.time_zone is not None and _zone(held) is None:
        after = after.dt.replace_time_zone(None)
    return after.cast(held, strict=False)


def _zone(dtype: pl.DataType) -> str | None:
    return dtype.time_zone if isinstance(dtype, pl.Datetime) else None


def _without_nan(column: pl.Expr, held: pl.DataType, target: pl.DataType) -> pl.Expr:
    if held.is_float() and not target.is_float():
        return column.fill_nan(None)
    if isinstance(held, pl.List) and isinstance(target, pl.List):
        inner, wanted = held.inner, target.inner
        if inner.is_float() and not wanted.is_float():
            return column.list.eval(pl.element().fill_nan(None))
    return column


def partition_type(texts: Iterable[str | None]) -> pl.DataType:
    """Return the type of a partition that nothing declares: integers that lose no zero, times, else text."""
    known = {text for text in texts if text is not None}
    if known and all(_is_read(text, lambda text: str(int(text)) == text) for text in known):
        return pl.Int64()
    if known and all(_is_read(text, date.fromisoformat) for text in known):
        return pl.Date()
    if known and all(_is_read(text, datetime.fromisoformat) for text in known):
        return pl.Datetime("us", "UTC")
    return pl.String()


def partition_value(text: str | None, target: pl.DataType) -> pl.Expr:
    """Return the value that a folder name gives, as a literal.

    Raises:
        ValueError: the text is none of that type.
    """
    if text is None or isinstance(target, pl.String):
        return pl.lit(text, dtype=target)
    if isinstance(target, pl.Boolean):
        return pl.lit({"true": True, "false": False}[text.lower()])
    if isinstance(target, pl.Date):
        return pl.lit(date.fromisoformat(text))
    if isinstance(target, pl.Datetime):
        at = datetime.fromisoformat(text)
        utc = at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
        return pl.lit(utc if target.time_zone else utc.replace(tzinfo=None)).cast(target)
    return pl.lit(pl.Series([text]).cast(target).item(), dtype=target)


def _is_read(text: str, read: Callable[[str], object]) -> bool:
    try:
        return bool(read(text))
    except ValueError:
        return False
