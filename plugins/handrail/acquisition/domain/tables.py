"""A table as the project wants it: columns with types, the key of a row; and values of a source read by it."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Literal, get_args

Type = Literal["text", "whole", "number", "flag", "moment", "day"]
TYPES: tuple[str, ...] = get_args(Type)
FLAGS = {"true": True, "t": True, "1": True, "yes": True, "false": False, "f": False, "0": False, "no": False}
LARGEST = 2**63
SHOWN = 60
MISTAKES = 20


@dataclass(frozen=True, slots=True)
class Column:
    """One column: `moment` is a point in time, kept in UTC; `day` a calendar day. A `required` one is never null."""

    name: str
    type: Type
    required: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """What rows must have. `key` names the columns that say which row it is; `known` the one that says since when.

    Without `known` a row is known since it was acquired, which is never wrong. A source's own moment is for history
    that was there before: a row that was committed late was not known at the moment that it bears.
    """

    name: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    known: str | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the columns, in their order."""
        return tuple(column.name for column in self.columns)


def value_of(column: Column, given: Any) -> Any:
    """Return what a source gave as JSON holds it: text, number, boolean or null; moments and days as ISO 8601.

    Raises:
        ValueError: it is not of the column's type; the text says what it is.
    """
    given = _decoded(given)
    if given is None or (given == "" and column.type != "text"):
        if column.required:
            raise ValueError(f"{column.name} is empty")
        return None
    try:
        return READ[column.type](given)
    except (ValueError, TypeError, ArithmeticError) as err:
        raise ValueError(f"{column.name} is {_shown(given)}, expected {EXPECTED[column.type]}") from err


def type_of(values: Sequence[Any]) -> Type:
    """Return the narrowest type that fits values as the source gave them, but for one in twenty, which are mistakes."""
    some = [value for value in map(_decoded, values) if value is not None]
    enough = len(some) - len(some) // MISTAKES
    for type_, fits in NATIVE.items():
        if some and sum(map(fits, some)) >= enough:
            return type_
    return "text"


def _decoded(given: Any) -> Any:
    if isinstance(given, (bytes, bytearray, memoryview)):
        try:
            return bytes(given).decode("utf-8")
        except UnicodeDecodeError:
            return bytes(given)
    return None if isinstance(given, float) and math.isnan(given) else given


def _shown(given: Any) -> str:
    text = repr(given)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}..."


def _text(given: Any) -> str:
    if isinstance(given, str):
        # What cannot be written as UTF-8 would stop everything after it.
        given.encode("utf-8")
        return given
    if isinstance(given, bool):
        return "true" if given else "false"
    if isinstance(given, datetime):
        return _moment(given)
    if isinstance(given, (int, float, Decimal, date)):
        return str(given)
    raise TypeError


def _whole(given: Any) -> int:
    if isinstance(given, bool) or not isinstance(given, (int, float, Decimal, str)):
        raise TypeError
    try:
        exact = Decimal(given.strip() if isinstance(given, str) else given)
    except InvalidOperation as err:
        raise ValueError from err
    if exact != exact.to_integral_value() or abs(exact) >= LARGEST:
        raise ValueError
    return int(exact)


def _number(given: Any) -> float:
    if isinstance(given, bool) or not isinstance(given, (int, float, Decimal, str)):
        raise TypeError
    number = float(given)
    if not math.isfinite(number):
        raise ValueError
    return number


def _flag(given: Any) -> bool:
    if isinstance(given, bool):
        return given
    if isinstance(given, (int, str)) and str(given).strip().lower() in FLAGS:
        return FLAGS[str(given).strip().lower()]
    raise ValueError


def _moment(given: Any) -> str:
    if isinstance(given, str):
        given = datetime.fromisoformat(given.strip())
    if not isinstance(given, datetime):
        raise TypeError
    # A source's moment without a zone is taken as UTC, as everywhere here.
    moment = given.replace(tzinfo=UTC) if given.tzinfo is None else given.astimezone(UTC)
    return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")


def _is_moment(text: str) -> bool:
    try:
        # A bare year or a number such as 20130801 is also ISO 8601.
        return "T" in text or ":" in text if _moment(text) else False
    # In UTC it may lie before the year 1 or after 9999.
    except (ValueError, OverflowError):
        return False


def _day(given: Any) -> str:
    if isinstance(given, datetime):
        raise TypeError
    return (given if isinstance(given, date) else date.fromisoformat(str(given).strip())).isoformat()


READ: Mapping[str, Callable[[Any], Any]] = {
    "text": _text,
    "whole": _whole,
    "number": _number,
    "flag": _flag,
    "moment": _moment,
    "day": _day,
}
EXPECTED: Mapping[str, str] = {
    "text": "a text in UTF-8",
    "whole": "a whole number",
    "number": "a finite number",
    "flag": "true or false",
    "moment": "a moment such as 2026-11-30T10:00:00Z",
    "day": "a day such as 2026-11-30",
}
NATIVE: Mapping[Type, Callable[[Any], bool]] = {
    "flag": lambda value: isinstance(value, bool),
    "whole": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "number": lambda value: isinstance(value, (int, float, Decimal)) and not isinstance(value, bool),
    "moment": lambda value: isinstance(value, datetime) or (isinstance(value, str) and _is_moment(value)),
    "day": lambda value: isinstance(value, date) and not isinstance(value, datetime),
}
"""Types from the narrowest on, by what values of theirs are before they are read."""
