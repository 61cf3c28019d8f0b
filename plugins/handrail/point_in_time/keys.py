"""Join keys as the join compares them: integers of any width are one type, and so are all kinds of text or time."""

from __future__ import annotations

import polars as pl

from handrail.errors import InvalidInput
from handrail.point_in_time.times import finest

_TEXT = (pl.String, pl.Categorical, pl.Enum)


def canonical(dtype: pl.DataType) -> pl.DataType:
    """Return the type in which a table's key of this type is compared."""
    if isinstance(dtype, pl.UInt64 | pl.Int128):
        return dtype
    if dtype.is_integer():
        return pl.Int64()
    if dtype.is_float():
        return pl.Float64()
    if isinstance(dtype, pl.Datetime):
        return pl.Datetime(finest([dtype]), "UTC")
    return pl.String() if isinstance(dtype, _TEXT) else dtype


def comparable(own: pl.DataType, entity: pl.DataType) -> bool:
    """Whether a key column of the table can equal one of the entity frame.

    A float column on either side may represent integers: pandas turns integers with a missing value into floats.
    An empty or all-null column has no type and equals nothing.
    """
    if isinstance(entity, pl.Null) or isinstance(own, pl.Null):
        return True
    return _family(own) == _family(entity)


def _family(dtype: pl.DataType) -> object:
    if isinstance(dtype, pl.Decimal):
        return pl.Decimal
    if dtype.is_numeric():
        return "number"
    return pl.Datetime if isinstance(dtype, pl.Datetime) else canonical(dtype)


def own_key(column: str, dtype: pl.DataType) -> pl.Expr:
    """Return the table's key column in the type in which it is compared; null and not-a-number equal nothing."""
    key = pl.col(column).cast(canonical(dtype)) if not isinstance(dtype, pl.Datetime) else _utc(pl.col(column), dtype)
    return key.fill_nan(None) if dtype.is_float() else key


def as_key(entities: pl.DataFrame, column: str, own: pl.DataType) -> pl.Series:
    """Return the entity column in the type of the table's key; a value that this type cannot hold becomes null.

    Raises:
        InvalidInput: the table has whole numbers, and the column holds one with a fraction.
    """
    series = entities.get_column(column)
    dtype = series.dtype
    if isinstance(dtype, pl.Datetime):
        series = entities.select(_utc(pl.col(column), dtype)).to_series()
    if dtype == own or isinstance(dtype, pl.Null | pl.Categorical | pl.Enum):
        return series.cast(own)
    if dtype.is_float():
        series = series.fill_nan(None)
        if own.is_integer() and not (series == series.round()).fill_null(value=True).all():
            raise InvalidInput(column, "it holds numbers with a fraction", "Send the key as whole numbers.")
    held = series.cast(own, strict=False)
    if dtype.is_integer() and own == pl.Int64:
        return held
    same = held.cast(series.dtype, strict=False) == series
    return pl.select(pl.when(same).then(held)).to_series()


def _utc(key: pl.Expr, dtype: pl.Datetime) -> pl.Expr:
    aware = key.dt.replace_time_zone("UTC") if dtype.time_zone is None else key.dt.convert_time_zone("UTC")
    return aware.cast(pl.Datetime(finest([dtype]), "UTC"))
