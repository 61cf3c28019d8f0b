"""Appends rows to a log: a table whose first column numbers its rows and whose second is a unique key.

A key that is known stays as it is; which keys were new is what the caller learns. Rows are inserted in the order of
their keys: two writers then never wait for each other in a circle, and an index of hashes is filled from left to right.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from operator import itemgetter

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from handrail.storage.bulk import Values, cursor_of, fetch

COPIED_FROM = 2_000
"""From so many rows on, PostgreSQL is given them as a stream into a temporary table."""
_KEY = itemgetter(0)


def append_new(connection: Connection, table: sa.Table, rows: Sequence[Values]) -> set[str] | None:
    """Insert the rows whose key is unknown, each with a value for every column but the number, the key first.

    Of equal keys in `rows` the first is inserted. Returns the keys that were inserted, or None if every row was.
    """
    if not rows:
        return None
    ordered = sorted(rows, key=_KEY)
    if connection.dialect.name == "sqlite":
        return _into_sqlite(connection, table, ordered)
    keys = _copied(connection, table, ordered) if len(rows) >= COPIED_FROM else _unnested(connection, table, ordered)
    return None if len(keys) == len(rows) else {key for (key,) in keys}


def _into_sqlite(connection: Connection, table: sa.Table, rows: Sequence[Values]) -> set[str] | None:
    number, key = (column.name for column in list(table.columns)[:2])
    # The transaction has the database for itself, and a new number is above every other.
    ((before,),) = fetch(connection, f"select coalesce(max({number}), 0) from {table.name}")
    sql = _into(table, f"values ({', '.join('?' for _ in rows[0])})")
    with cursor_of(connection, sql) as cursor:
        cursor.executemany(sql, rows)
        if cursor.rowcount == len(rows):
            return None
    return {name for (name,) in fetch(connection, f"select {key} from {table.name} where {number} > ?", (before,))}


def _unnested(connection: Connection, table: sa.Table, rows: Sequence[Values]) -> Sequence[Values]:
    return fetch(connection, _unnesting(table), [list(column) for column in zip(*rows, strict=True)])


def _copied(connection: Connection, table: sa.Table, rows: Sequence[Values]) -> Sequence[Values]:
    names, stage = _names(table), f"stage_{table.name}"
    made = f"create temporary table if not exists {stage} on commit delete rows as select {names}, 0::bigint as place"
    with cursor_of(connection, made) as cursor:
        cursor.execute(f"{made} from {table.name} with no data")
        with cursor.copy(f"copy {stage} from stdin") as copy:
            for place, row in enumerate(rows):
                copy.write_row((*row, place))
        key = list(table.columns)[1].name
        cursor.execute(_into(table, f"select {names} from {stage} order by {key}, place") + f" returning {key}")
        found: Sequence[Values] = cursor.fetchall()
        cursor.execute(f"delete from {stage}")
    return found


@lru_cache
def _unnesting(table: sa.Table) -> str:
    columns = list(table.columns)[1:]
    dialect = sa.dialects.postgresql.dialect()  # type: ignore[no-untyped-call] # SQLAlchemy's dialects have no types
    arrays = ", ".join(f"%s::{column.type.compile(dialect)}[]" for column in columns)
    given = f"unnest({arrays}) with ordinality as given({_names(table)}, place)"
    key = columns[0].name
    return _into(table, f"select {_names(table)} from {given} order by {key}, place") + f" returning {key}"


def _into(table: sa.Table, rows: str) -> str:
    return f"insert into {table.name} ({_names(table)}) {rows} on conflict do nothing"


def _names(table: sa.Table) -> str:
    return ", ".join(f'"{column.name}"' for column in list(table.columns)[1:])
