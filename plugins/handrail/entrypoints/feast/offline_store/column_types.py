"""The type that a column has in all files of a source: the declared one, else one that holds what the files hold."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import polars as pl
import pyarrow as pa
from feast.types import (
    Array,
    Bool,
    Bytes,
    FeastType,
    Float32,
    Float64,
    ImageBytes,
    Int32,
    Int64,
    Json,
    PdfBytes,
    Set,
    String,
)

from handrail.point_in_time.times import finest

_DECLARED: dict[FeastType, pl.DataType] = {
    Bool: pl.Boolean(),
    Int32: pl.Int32(),
    Int64: pl.Int64(),
    Float32: pl.Float32(),
    Float64: pl.Float64(),
    String: pl.String(),
    Bytes: pl.Binary(),
    PdfBytes: pl.Binary(),
    ImageBytes: pl.Binary(),
}
_TEXT = (pl.String, pl.Categorical, pl.Enum)
_UNITS = ("ms", "us", "ns")
_DIGITS = 38
"""As many as a decimal of 128 bits has."""
_INTEGER_BITS: dict[type[pl.DataType], int] = {
    pl.Int8: 7,
    pl.Int16: 15,
    pl.Int32: 31,
    pl.Int64: 63,
    pl.UInt8: 8,
    pl.UInt16: 16,
    pl.UInt32: 32,
    pl.UInt64: 64,
}


def declared_type(declared: FeastType | None) -> pl.DataType | None:
    """Return the type that Feast stores a field of this type as; None if that is open or nothing is declared."""
    if isinstance(declared, Array | Set):
        inner = declared_type(declared.base_type)
        return None if inner is None else pl.List(inner)
    return _DECLARED.get(declared) if declared is not None else None


def column_type(held: Sequence[pl.DataType], declared: FeastType | None) -> pl.DataType | None:
    """Return the type for a column that files hold in the types `held`; None if no type fits all of them.

    It is the declared type with three exceptions. What all files hold alike stays if it is wider, or of another kind
    (integers where text is declared), as in Feast's own stores. A declared Float32 becomes Float64 where one file holds
    more than 32 bits, for nothing may be rounded. Types that Feast does not store as such (times, decimals, JSON, maps,
    structs) are what the files agree on.
    """
    known = [dtype for dtype in dict.fromkeys(held) if dtype != pl.Null]
    target = declared_type(declared)
    if not known:
        return target or pl.Null()
    if target is None or not all(_can_become(dtype, target) for dtype in known):
        return _common(known)
    if len(known) == 1 and _stays(known[0], target):
        return _common(known)
    return _wide_enough(target, known)


def is_exact(held: pl.DataType, target: pl.DataType) -> bool:
    """Whether every value of the type `held` is also one of the type `target`."""
    if held == target or held == pl.Null:
        return True
    if isinstance(held, pl.List | pl.Array) and isinstance(target, pl.List | pl.Array):
        return is_exact(_inner(held), _inner(target))
    if isinstance(held, _TEXT):
        return isinstance(target, pl.String | pl.Binary)
    if isinstance(held, pl.Date | pl.Datetime) and isinstance(target, pl.Datetime):
        return target.time_unit != "ns" or (isinstance(held, pl.Datetime) and held.time_unit == "ns")
    if _is_number(held) and _is_number(target):
        return _is_exact_number(held, target)
    return held.is_integer() and target == pl.String


def _is_exact_number(held: pl.DataType, target: pl.DataType) -> bool:
    if isinstance(held, pl.Boolean):
        return True
    if held.is_float():
        return target == pl.Float64
    if held.is_integer() and target.is_integer():
        return _bits(held) <= _bits(target) and (held.is_unsigned_integer() or target.is_signed_integer())
    if held.is_integer() and target.is_float():
        return _bits(held) <= (53 if target == pl.Float64 else 24)
    if isinstance(target, pl.Decimal):
        whole, fraction = _digits(held)
        return whole <= _digits(target)[0] and fraction <= target.scale
    return False


def leaving(
    arrow: Sequence[pa.DataType], held: Sequence[pl.DataType], target: pl.DataType, declared: FeastType | None
) -> pa.DataType:
    """Return the Arrow type in which a column leaves: the source's own if nothing is cast, without its `large_`."""
    if declared == Json and target == pl.String:
        return pa.large_string()
    from_polars = pl.Series(dtype=target).to_arrow(compat_level=pl.CompatLevel.oldest())
    source = {plain(each) for each, dtype in zip(arrow, held, strict=True) if dtype == target}
    if len(source) == 1 and set(held) <= {target, pl.Null()} and _can_leave(from_polars, own := source.pop()):
        return own
    return plain(from_polars.type)


def _can_leave(from_polars: pa.Array, kind: pa.DataType) -> bool:
    """Whether Arrow can cast to the source's type: Polars before 2 gives maps as lists, which stay that."""
    try:
        from_polars.cast(kind)
    except pa.ArrowNotImplementedError:
        return False
    return True


def plain(kind: pa.DataType) -> pa.DataType:
    """Return an Arrow type as Feast knows it: text, bytes and lists not as `large_`, and no dictionaries."""
    if pa.types.is_dictionary(kind):
        return plain(kind.value_type)
    if pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        return pa.string()
    if pa.types.is_large_binary(kind) or pa.types.is_binary_view(kind):
        return pa.binary()
    if pa.types.is_large_list(kind) or pa.types.is_list(kind):
        return pa.list_(plain(kind.value_type))
    if pa.types.is_struct(kind):
        return pa.struct([field.with_type(plain(field.type)) for field in kind])
    return kind


def _wide_enough(target: pl.DataType, held: Sequence[pl.DataType]) -> pl.DataType:
    """Return the declared type with Float64 in place of a Float32 that is too narrow, a list of one width as such."""
    if isinstance(target, pl.List):
        inner = _wide_enough(_inner(target), [_inner(dtype) for dtype in held])
        widths = {dtype.size if isinstance(dtype, pl.Array) else None for dtype in held}
        width = widths.pop() if len(widths) == 1 else None
        return pl.List(inner) if width is None else pl.Array(inner, width)
    if target == pl.Float32 and not all(is_exact(dtype, target) for dtype in held):
        return pl.Float64()
    return target


def _stays(held: pl.DataType, target: pl.DataType) -> bool:
    """Whether a type that all files agree on is kept beside the declared one."""
    if isinstance(held, pl.List | pl.Array) and isinstance(target, pl.List):
        return _stays(_inner(held), _inner(target))
    if held.is_integer() and target.is_integer():
        return is_exact(target, held)
    return _is_number(held) != _is_number(target)


def _can_become(held: pl.DataType, target: pl.DataType) -> bool:
    """Whether values of one type can be ones of the other at all; each value is checked when it is read."""
    if held in (target, pl.Null):
        return True
    if isinstance(target, pl.List):
        return isinstance(held, pl.List | pl.Array) and _can_become(_inner(held), _inner(target))
    if _is_number(target):
        return _is_number(held) or (isinstance(held, _TEXT) and target != pl.Boolean)
    if isinstance(target, pl.String):
        return held.is_integer() or isinstance(held, (*_TEXT, pl.Binary))
    return isinstance(target, pl.Binary) and isinstance(held, _TEXT)


def _common(held: Sequence[pl.DataType]) -> pl.DataType | None:
    """Return the narrowest type that each of the types can become; None if there is none."""
    if len(held) == 1:
        return pl.String() if isinstance(held[0], _TEXT) else held[0]
    if all(isinstance(dtype, _TEXT) for dtype in held):
        return pl.String()
    if all(isinstance(dtype, pl.Date | pl.Datetime) for dtype in held):
        return _common_time(held)
    if all(isinstance(dtype, pl.List | pl.Array) for dtype in held):
        inner = column_type([_inner(dtype) for dtype in held], None)
        return None if inner is None else pl.List(inner)
    numbers = all(_is_number(dtype) and not isinstance(dtype, pl.Boolean) for dtype in held)
    return _common_number(held) if numbers else None


def _common_time(held: Sequence[pl.DataType]) -> pl.Datetime:
    """Return the type with the finest unit, in UTC unless all are in one zone or all in none."""
    zones = {dtype.time_zone if isinstance(dtype, pl.Datetime) else None for dtype in held}
    return pl.Datetime(finest(held), zones.pop() if len(zones) == 1 else "UTC")


def _common_number(held: Sequence[pl.DataType]) -> pl.DataType | None:
    if any(dtype.is_float() for dtype in held):
        return pl.Float64()
    if any(isinstance(dtype, pl.Decimal) for dtype in held):
        whole, fraction = (max(digits) for digits in zip(*map(_digits, held), strict=True))
        return pl.Decimal(whole + fraction, fraction) if whole + fraction <= _DIGITS else None
    exact = (dtype for dtype in (pl.Int64(), pl.UInt64()) if all(is_exact(each, dtype) for each in held))
    return next(exact, None)


def _digits(number: pl.DataType) -> tuple[int, int]:
    """Return how many digits an integer or decimal has before and after the point, at most."""
    if isinstance(number, pl.Decimal):
        return number.precision - number.scale, number.scale
    return len(str(2 ** _bits(number))), 0


def _bits(integer: pl.DataType) -> int:
    return _INTEGER_BITS[type(integer)]


def _is_number(dtype: pl.DataType) -> bool:
    return dtype.is_numeric() or isinstance(dtype, pl.Boolean)


def _inner(nested: pl.DataType) -> pl.DataType:
    assert isinstance(nested, pl.List | pl.Array)  # noqa: S101 - callers have checked
    return cast(pl.DataType, nested.inner)
