"""Many rows in one statement, for SQLite and PostgreSQL: reading by given values, inserting, changing.

The text of a statement never depends on the values, so that both drivers keep it prepared, and no statement is built
from parts each time. Nothing here knows what the tables mean.

Statements go straight to the driver: recording one event takes a dozen of them, and SQLAlchemy's way took half of the
time. What the driver raises is raised as SQLAlchemy would raise it, so that `Store` translates it in one place.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection
from sqlalchemy.exc import DatabaseError, OperationalError

ID, TEXT = "bigint", "text"
Values = Sequence[Any]
_GREATEST = {"sqlite": "max", "postgresql": "greatest"}
_LEAST = {"sqlite": "min", "postgresql": "least"}
_TYPES = {sa.BigInteger: ID, sa.SmallInteger: "smallint", sa.Boolean: "boolean", sa.Text: TEXT}


@contextmanager
def cursor_of(connection: Connection, sql: str) -> Iterator[Any]:
    """Yield a cursor of the driver in the transaction of `connection`; `sql` is what errors are said to be about."""
    driver = connection.dialect.loaded_dbapi
    if not connection.in_transaction():
        # Otherwise each statement of a reading connection could see a different state.
        connection.begin()
    cursor = connection.connection.cursor()
    try:
        yield cursor
    except driver.OperationalError as err:
        raise OperationalError(sql, None, err) from err
    except driver.DatabaseError as err:
        # The class itself means a damaged file; its subclasses are programming errors and stay as they are.
        if type(err) is not driver.DatabaseError:
            raise
        raise DatabaseError(sql, None, err) from err
    finally:
        cursor.close()


def fetch(connection: Connection, sql: str, parameters: Values = ()) -> Sequence[Values]:
    """Return the rows of a query in the driver's own language, as the driver makes them."""
    with cursor_of(connection, sql) as cursor:
        cursor.execute(sql, parameters)
        found: Sequence[Values] = cursor.fetchall()
    return found


def repeat(connection: Connection, sql: str, rows: Sequence[Values]) -> None:
    """Run a statement with `{p}` for each value of each row."""
    text = sql.format(p=mark(connection))
    with cursor_of(connection, text) as cursor:
        cursor.executemany(text, rows)


def mark(connection: Connection) -> str:
    """Return the placeholder of the driver."""
    return "%s" if connection.dialect.name == "postgresql" else "?"


def read(connection: Connection, query: str, given: Sequence[Any], *types: str, more: Values = ()) -> Sequence[Values]:
    """Return the rows of a query about many given ones, each a tuple, or a plain value if there is one type.

    `query` has `{given}` where a table of them belongs, named `g`, with columns a, b, ... of the given types; its
    placeholder is the first. Write joins to it as `cross join ... where`: that keeps SQLite, whose planner does
    not know how few are given, from scanning the other side. `{p}` is the placeholder of a value of `more`.
    """
    if not given:
        return ()
    sql = _query(connection.dialect.name, query, types)
    return fetch(connection, sql, (*_as_parameters(connection, given, types), *more))


def _as_parameters(connection: Connection, given: Sequence[Any], types: tuple[str, ...]) -> Values:
    if connection.dialect.name == "postgresql":
        return [list(column) for column in zip(*given, strict=True)] if len(types) > 1 else [list(given)]
    # The text of a list of whole numbers is JSON, and is made five times as fast as by the encoder.
    return [str(list(given)) if types == (ID,) else json.dumps(given)]


@lru_cache
def _query(dialect: str, query: str, types: tuple[str, ...]) -> str:
    names = "abcdefgh"[: len(types)]
    if dialect == "postgresql":
        arrays = ", ".join(f"%s::{type_}[]" for type_ in types)
        return query.format(given=f"unnest({arrays}) as g({', '.join(names)})", p="%s")
    paths = ["value"] if len(types) == 1 else [f"json_extract(value, '$[{index}]')" for index in range(len(types))]
    columns = ", ".join(f"{path} as {name}" for path, name in zip(paths, names, strict=True))
    return query.format(given=f"(select {columns} from json_each(?)) as g", p="?")


def insert(connection: Connection, table: sa.Table, rows: Sequence[Values], then: str = "do nothing") -> int:
    """Insert rows, each with a value for every column of the table in their order; return how many were written.

    `then` follows `on conflict` and may call `{greatest}` and `{least}`, which are null if one of their values is,
    in SQLite alone. Each key may occur once.
    """
    if not rows:
        return 0
    sql = _insert(connection.dialect.name, table, then)
    with cursor_of(connection, sql) as cursor:
        if connection.dialect.name == "postgresql":
            cursor.execute(sql, [list(column) for column in zip(*rows, strict=True)])
        else:
            cursor.executemany(sql, rows)
        return int(cursor.rowcount)


def insert_new(connection: Connection, table: sa.Table) -> Any:
    """Return SQLAlchemy's INSERT that leaves out rows whose unique key exists, with a row count on both databases."""
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    # Without the option PostgreSQL's driver answers -1.
    return dialect.insert(table).on_conflict_do_nothing().execution_options(preserve_rowcount=True)


def _type_of(column: sa.Column[Any]) -> str:
    return next(name for kind, name in _TYPES.items() if isinstance(column.type, kind))


@lru_cache
def _insert(dialect: str, table: sa.Table, then: str) -> str:
    names = ", ".join(f'"{column.name}"' for column in table.columns)
    do = then.format(greatest=_GREATEST[dialect], least=_LEAST[dialect])
    if dialect == "postgresql":
        arrays = ", ".join(f"%s::{_type_of(column)}[]" for column in table.columns)
        return f"insert into {table.name} ({names}) select * from unnest({arrays}) on conflict {do}"
    places = ", ".join("?" for _ in table.columns)
    return f"insert into {table.name} ({names}) values ({places}) on conflict {do}"
