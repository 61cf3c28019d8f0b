"""Appends rows to a log: a table whose first column numbers its rows and whose second is a unique key.

A key that is known stays as it is; which keys were new is what the caller learns. PostgreSQL inserts in the order of
the keys: two writers then never wait for each other in a circle. SQLite has one writer, and takes rows as they come.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.engine import Connection

from handrail.storage.bulk import Values, cursor_of, fetch

MANY = 1_000
"""From so many rows on, what all rows have alike is said once, and PostgreSQL is given the others as a stream."""


def append_new(connection: Connection, table: sa.Table, columns: Sequence[Values]) -> set[str] | None:
    """Insert the rows whose key is unknown: `columns` has one for each of the table's but the number, the key first.

    Of equal keys the first is inserted. Returns the keys that were inserted, or None if every row was.
    """
    count = len(columns[0])
    alike = _alike(columns) if count >= MANY else {}
    if connection.dialect.name == "sqlite":
        return _into_sqlite(connection, table, columns, alike)
    new = _copied(connection, table, columns, alike) if count >= MANY else _unnested(connection, table, columns)
    return None if len(new) == count else {key for (key,) in new}


def _alike(columns: Sequence[Values]) -> dict[int, Any]:
    """Return the text or null that a whole column has alike, by its place; the key is not looked at."""
    firsts = ((place, column[0], column) for place, column in enumerate(columns) if place)
    return {
        place: first
        for place, first, column in firsts
        if (first is None or type(first) is str) and column.count(first) == len(column)
    }


def _varying(columns: Sequence[Any], alike: Iterable[int]) -> list[Any]:
    return [column for place, column in enumerate(columns) if place not in alike]


def _into_sqlite(
    connection: Connection, table: sa.Table, columns: Sequence[Values], alike: dict[int, Any]
) -> set[str] | None:
    number, key = (column.name for column in list(table.columns)[:2])
    # The transaction has the database for itself, and a new number is above every other.
    ((before,),) = fetch(connection, f"select coalesce(max({number}), 0) from {table.name}")
    said = _quoted(connection, list(alike.values()))
    # Binding a value costs as much as storing it: what is alike is a part of the statement.
    values = [said.pop(0) if place in alike else "?" for place in range(len(columns))]
    sql = _into(table, f"values ({', '.join(values)})")
    with cursor_of(connection, sql) as cursor:
        cursor.executemany(sql, zip(*_varying(columns, alike), strict=True))
        if cursor.rowcount == len(columns[0]):
            return None
    return {name for (name,) in fetch(connection, f"select {key} from {table.name} where {number} > ?", (before,))}


def _quoted(connection: Connection, values: Values) -> list[str]:
    """Return values as SQLite itself writes them in a statement."""
    return list(fetch(connection, f"select {', '.join(['quote(?)'] * len(values))}", values)[0]) if values else []


def _unnested(connection: Connection, table: sa.Table, columns: Sequence[Values]) -> Sequence[Values]:
    return fetch(connection, _unnesting(table), list(map(list, columns)))


def _copied(
    connection: Connection, table: sa.Table, columns: Sequence[Values], alike: dict[int, Any]
) -> Sequence[Values]:
    names, stage = _quoted_names(table), f"stage_{table.name}"
    varying, types = _varying(names, alike), _types(table)
    made = (
        f"create temporary table if not exists {stage} on commit delete rows as select {', '.join(names)}, 0 as place"
    )
    chosen = [f"%s::{types[place]}" if place in alike else name for place, name in enumerate(names)]
    moved = f'select {", ".join(chosen)} from {stage} order by {names[0]} collate "C", place'
    with cursor_of(connection, made) as cursor:
        cursor.execute(f"{made} from {table.name} with no data")
        with cursor.copy(f"copy {stage} ({', '.join(varying)}, place) from stdin") as copy:
            for row in zip(*_varying(columns, alike), range(len(columns[0])), strict=True):
                copy.write_row(row)
        cursor.execute(_into(table, moved) + f" returning {names[0]}", list(alike.values()))
        new: Sequence[Values] = cursor.fetchall()
        cursor.execute(f"delete from {stage}")
    return new


@lru_cache
def _unnesting(table: sa.Table) -> str:
    names = _quoted_names(table)
    arrays = ", ".join(f"%s::{each}[]" for each in _types(table))
    given = f"unnest({arrays}) with ordinality as given({', '.join(names)}, place)"
    chosen = f'select {", ".join(names)} from {given} order by {names[0]} collate "C", place'
    return _into(table, chosen) + f" returning {names[0]}"


@lru_cache
def _types(table: sa.Table) -> list[str]:
    dialect = postgresql.dialect()  # type: ignore[no-untyped-call] # SQLAlchemy's dialects have no types
    return [column.type.compile(dialect) for column in list(table.columns)[1:]]


def _into(table: sa.Table, rows: str) -> str:
    return f"insert into {table.name} ({', '.join(_quoted_names(table))}) {rows} on conflict do nothing"


def _quoted_names(table: sa.Table) -> list[str]:
    return [f'"{column.name}"' for column in list(table.columns)[1:]]
