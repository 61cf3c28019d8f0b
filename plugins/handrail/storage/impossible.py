"""Finds values that no column can have been given: of another type, beyond its range, infinite, or before zero.

Handrail never writes them, and a database that checks types refuses most; SQLite takes whatever it is given.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

MOST_ROWS = 100
"""How many rows of a table are named."""
MOST_SHOWN = 80
FIRST_MOMENT, LAST_MOMENT = -62_135_596_800_000_000, 253_402_300_799_999_999
"""The years 1 and 9999 in microseconds since 1970: what a datetime can hold."""
SIGNED = {"signed": True}
"""The `info` of a column of whole numbers that may be less than zero: no id, no count and no place in an order."""
_NAMES = ("uri", "name", "run_id", "event_id", "prediction_id", "identifier", "digest")
_TYPES = {int: "integer", float: "real", str: "text", bytes: "blob"}


@dataclass(frozen=True, slots=True)
class ImpossibleValue:
    """A value that a column cannot hold; `row` names the row by another of its columns."""

    table: str
    row: str
    column: str
    value: str

    @property
    def sentence(self) -> str:
        """What is wrong, in words."""
        return f"its {self.column} is {self.value}, which cannot have been recorded"


def find_impossible(connection: Connection, tables: Iterable[sa.Table]) -> Iterator[ImpossibleValue]:
    """Yield every impossible value of these tables, as far as they are there, of the first rows that have one."""
    is_sqlite, there = connection.dialect.name == "sqlite", set(sa.inspect(connection).get_table_names())
    for table in tables:
        doubtful = [test for column in table.columns for test in _doubts(column, is_sqlite=is_sqlite)]
        if table.name not in there or not doubtful:
            continue
        raw = [sa.type_coerce(column, sa.types.NullType()).label(column.name) for column in table.columns]
        query = sa.select(*raw).select_from(table).where(sa.or_(*doubtful))
        for row in islice(connection.execute(query).mappings(), MOST_ROWS):
            wrong = [column for column in table.columns if not _is_possible(column, row[column.name])]
            for column in wrong:
                yield ImpossibleValue(table.name, _name(table, row, column.name), column.name, _shown(row[column.name]))


def _doubts(column: sa.Column[Any], *, is_sqlite: bool) -> Iterator[sa.ColumnElement[bool]]:
    """Yield what is true of every impossible value of a column, as a database tests it."""
    raw: Any = sa.type_coerce(column, sa.types.NullType())
    kind = _kind(column)
    if is_sqlite:
        yield sa.func.typeof(raw).not_in([_TYPES[kind], "null", *(["integer"] if kind is float else [])])
        if kind is str:
            yield sa.func.instr(raw, sa.func.char(0)) > 0
    if kind is int and not isinstance(column.type, sa.Boolean):
        least, most = _range(column)
        yield raw < least
        yield raw > most
    elif isinstance(column.type, sa.Boolean) and is_sqlite:
        yield raw.not_in([0, 1])
    elif kind is float:
        infinities = (sa.literal(value, sa.Double) for value in (math.inf, -math.inf))
        yield raw.in_([*infinities] if is_sqlite else [*infinities, sa.literal(math.nan, sa.Double)])


def _is_possible(column: sa.Column[Any], value: Any) -> bool:
    kind = _kind(column)
    if value is None:
        return True
    if kind is float:
        return isinstance(value, int | float) and math.isfinite(value)
    if kind is bytes:
        return isinstance(value, bytes | memoryview)
    if kind is str:
        return isinstance(value, str) and "\x00" not in value
    if isinstance(column.type, sa.Boolean):
        return value in (0, 1) and isinstance(value, int)
    least, most = _range(column)
    return isinstance(value, int) and least <= value <= most


def _kind(column: sa.Column[Any]) -> type:
    """Return what a column holds: numbers, texts or bytes. Moments are kept as whole numbers."""
    of = column.type.impl_instance if isinstance(column.type, sa.types.TypeDecorator) else column.type
    if isinstance(of, sa.Integer | sa.Boolean):
        return int
    if isinstance(of, sa.Float):
        return float
    return bytes if isinstance(of, sa.LargeBinary) else str


def _range(column: sa.Column[Any]) -> tuple[int, int]:
    if isinstance(column.type, sa.types.TypeDecorator):
        return FIRST_MOMENT, LAST_MOMENT
    most = 2**63 - 1
    return (-most - 1 if column.info.items() >= SIGNED.items() else 0), most


def _name(table: sa.Table, row: Any, wrong: str) -> str:
    """Name a row by what people call it by, else by its first column; never by the impossible value itself."""
    others = [column.name for column in table.columns if column.name != wrong]
    name = next((each for each in _NAMES if each in others), others[0] if others else "")
    return f"{name} {_shown(row[name])}" if name else "its only row"


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= MOST_SHOWN else f"{text[:MOST_SHOWN]}..."
