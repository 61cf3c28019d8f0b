"""Join keys as the join compares them: integers of any width are one type, and so are all kinds of text."""

from __future__ import annotations

import polars as pl

from handrail.errors import InvalidInput

_TEXT = (pl.String, pl.Categorical, pl.Enum)


def canonical(dtype: pl.DataType) -> pl.DataType:
    """Return the type in which keys of this type are compared."""
    if dtype.is_integer():
        return pl.Int64()
    return pl.String() if isinstance(dtype, _TEXT) else dtype


def comparable(own: pl.DataType, entity: pl.DataType) -> bool:
    """Whether a key column of the table can equal one of the entity frame.

    A float entity column may stand for integers: pandas turns integers with a missing value into floats.
    An empty or all-null column has no type of its own and equals nothing.
    """
    if isinstance(entity, pl.Null) or isinstance(own, pl.Null):
        return True
    if entity.is_float():
        return own.is_integer()
    return canonical(own) == canonical(entity)


def as_key(entities: pl.DataFrame, column: str, own: pl.DataType) -> pl.Series:
    """Return the entity column in the type of the table's key.

    Raises:
        InvalidInput: the column holds a number that is no whole number.
    """
    series = entities.get_column(column)
    if not series.dtype.is_float():
        return series.cast(own)
    whole = series.fill_nan(None)
    if not (whole == whole.round()).fill_null(value=True).all():
        raise InvalidInput(column, "it holds numbers with a fraction", "Send the key as whole numbers.")
    return whole.cast(own)
