"""Empty databases for the tests of lineage: SQLite always, PostgreSQL where the environment names one."""

from __future__ import annotations

import os
from contextlib import contextmanager
from uuid import uuid4

import sqlalchemy as sa

from handrail.lineage.adapters.sql.tables import MIGRATIONS, metadata
from handrail.storage import migrate, open_store

POSTGRESQL_URL = os.environ.get("HANDRAIL_TEST_POSTGRES_URL", "")
KINDS = ("sqlite", *(("postgresql",) if POSTGRESQL_URL else ()))


@contextmanager
def an_empty_store(kind):
    """Yield a migrated store of its own; nothing stays behind."""
    with a_store(kind) as store:
        migrate(store, "lineage", MIGRATIONS)
        yield store


@contextmanager
def a_store(kind):
    """Yield a store without tables."""
    with an_url(kind) as url:
        store = open_store(url)
        try:
            yield store
        finally:
            store.close()


@contextmanager
def an_url(kind):
    """Yield the address of a database of its own: in memory, or a schema that is dropped afterwards."""
    if kind == "sqlite":
        yield "sqlite://"
        return
    schema = f"lineage_{uuid4().hex}"
    admin = open_store(POSTGRESQL_URL)
    with admin.write() as connection:
        connection.execute(sa.text(f"create schema {schema}"))
    try:
        yield (
            sa.make_url(POSTGRESQL_URL)
            .update_query_dict({"options": f"-csearch_path={schema}"})
            .render_as_string(hide_password=False)
        )
    finally:
        with admin.write() as connection:
            connection.execute(sa.text(f"drop schema {schema} cascade"))
        admin.close()


def dump(store):
    """Return every row of every table of lineage that there is, in the order of the keys; only columns that it has."""
    with store.read() as connection:
        there = set(sa.inspect(connection).get_table_names())
        return {table.name: _rows(connection, table) for table in metadata.sorted_tables if table.name in there}


def _rows(connection, table):
    held = {column["name"] for column in sa.inspect(connection).get_columns(table.name)}
    rows = connection.execute(sa.select(*(column for column in table.columns if column.name in held)))
    return sorted(map(tuple, rows), key=str)


def graph_of(store):
    """Return what a store knows of the graph, whoever recorded it, and in whatever order contradictions came."""
    held = dump(store)
    statement = metadata.tables["lineage_statement"]
    source = list(statement.c.keys()).index("asserted_by")
    return {name: held[f"lineage_{name}"] for name in ("node", "attribute", "edge")} | {
        "digest": {row[:2] for row in held["lineage_digest"]},
        "statement": {row[:source] + row[source + 1 :] for row in held["lineage_statement"]},
    }


def clear(store):
    """Delete every row."""
    with store.write() as connection:
        for table in metadata.sorted_tables:
            connection.execute(table.delete())
