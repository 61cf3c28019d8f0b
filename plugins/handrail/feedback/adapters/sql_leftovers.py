"""What a database keeps of names: SQLite by the bytes of its files, PostgreSQL by its columns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from handrail.errors import Unavailable
from handrail.feedback.adapters.byte_search import FolderLeftovers, find_in
from handrail.feedback.adapters.sql_tables import metadata
from handrail.feedback.erasure_ports import Leftovers
from handrail.storage import Store

FILES = ("", "-wal", "-journal", "-shm")
BEYOND = (
    "PostgreSQL's WAL archives, replicas and backups, which this command cannot reach: remove those from before now, "
    "or wait until they are removed"
)
_COLUMNS = """select table_name, column_name, data_type from information_schema.columns
where table_schema = any(current_schemas(false))
and data_type in ('text', 'character varying', 'json', 'jsonb', 'bytea')
order by table_name, column_name"""


class SqliteLeftovers(Leftovers):
    """The files of a SQLite database."""

    def __init__(self, store: Store) -> None:
        self._store, self._file = store, str(store.engine.url.database)

    def shrink(self) -> str:
        """Write the database anew without what was deleted, and empty its write-ahead log.

        Raises:
            Unavailable: another process reads or writes it.
        """
        raw = self._store.engine.raw_connection()
        try:
            cursor = raw.cursor()
            cursor.execute("pragma secure_delete = on")
            with self._store.translated():
                cursor.execute("vacuum")
                busy, *_ = cursor.execute("pragma wal_checkpoint(truncate)").fetchone()
        finally:
            raw.close()
        if busy:
            remedy = "Stop the servers of this project, or wait, and run the same command again."
            raise Unavailable(self._store.address, "another process reads it, so its write-ahead log stays", remedy)
        return ""

    def search(self, needles: Mapping[str, bytes], covers: Sequence[bytes]) -> Iterator[tuple[str, str]]:
        """Yield each of its files that has one of the spellings."""
        yield from FolderLeftovers([Path(self._file + end) for end in FILES]).search(needles, covers)


class PostgresqlLeftovers(Leftovers):
    """The tables of a schema in PostgreSQL, whose files belong to the server."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def shrink(self) -> str:
        """Write the tables of feedback anew, without rows that are dead; say what stays beyond reach."""
        with self._store.translated():
            connection = self._store.engine.execution_options(isolation_level="AUTOCOMMIT").connect()
            with connection:
                for table in metadata.sorted_tables:
                    connection.execute(sa.text(f"vacuum full {table.name}"))
        return BEYOND

    def search(self, needles: Mapping[str, bytes], covers: Sequence[bytes]) -> Iterator[tuple[str, str]]:
        """Yield each column of any table that has one of the spellings."""
        with self._store.read() as connection:
            for table, column, kind in connection.execute(sa.text(_COLUMNS)).all():
                if found := _in_column(connection, (table, column, kind), needles, covers):
                    yield f"{table}.{column} in {self._store.address}", found


def _in_column(
    connection: sa.Connection, place: tuple[str, str, str], needles: Mapping[str, bytes], covers: Sequence[bytes]
) -> str | None:
    table, column, kind = place
    wanted = [(name, needle) for name, needle in needles.items() if kind == "bytea" or _is_text(needle)]
    for name, needle in wanted:
        value = f'"{column}"' if kind == "bytea" else f'"{column}"::text'
        asked: Any = needle if kind == "bytea" else needle.decode()
        query = sa.text(f'select {value} from "{table}" where position(:asked in {value}) > 0')
        for (held,) in connection.execute(query, {"asked": asked}):
            data = held.encode() if isinstance(held, str) else bytes(held)
            if find_in(data, {name: needle}, covers):
                return name
    return None


def _is_text(needle: bytes) -> bool:
    try:
        return "\0" not in needle.decode()
    except UnicodeDecodeError:
        return False
