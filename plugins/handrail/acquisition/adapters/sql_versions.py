"""Versions of tables in SQL: SQLite or PostgreSQL."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from handrail.acquisition.domain.changes import SchemaChange
from handrail.acquisition.domain.versions import TableVersion
from handrail.acquisition.ports import Versions
from handrail.errors import Conflict, UnknownReference
from handrail.storage import Store
from handrail.storage.bulk import insert_new

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
_versions = sa.table(
    "acquisition_description",
    *(sa.column(name) for name in ("name", "number", "at", "by", "changes", "renamed")),
    sa.column("carried", sa.Boolean),
)


class SqlVersions(Versions):
    """A row for each version after the first."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def opened(self, table: str) -> Sequence[TableVersion]:
        """Read them by number."""
        with self._store.read() as connection:
            return _opened(connection, table)

    def open(self, table: str, version: TableVersion) -> None:
        """Insert it if it is the next."""
        row = {
            "name": table,
            "number": version.number,
            "at": (version.at - EPOCH) // MICROSECOND,
            "by": version.by,
            "changes": json.dumps([asdict(each) for each in version.changes], ensure_ascii=False),
            "renamed": json.dumps(dict(version.renamed), ensure_ascii=False),
            "carried": version.carried,
        }
        with self._store.write() as connection:
            opened = _opened(connection, table)
            is_next = version.number > (opened[-1].number if opened else 1)
            if not is_next or not connection.execute(insert_new(connection, _versions), row).rowcount:  # type: ignore[arg-type]
                raise Conflict("version", f"{table}.v{version.number}", "Somebody else opened one: look at it first.")

    def carried(self, table: str, number: int) -> None:
        """Set the mark."""
        which = sa.and_(_versions.c.name == table, _versions.c.number == number)
        with self._store.write() as connection:
            if not connection.execute(sa.update(_versions).where(which).values(carried=True)).rowcount:
                raise UnknownReference("version", f"{table}.v{number}", "Open it first.")


def _opened(connection: Connection, table: str) -> Sequence[TableVersion]:
    wanted = sa.select(_versions).where(_versions.c.name == table).order_by(_versions.c.number)
    return [
        TableVersion(
            row.number,
            EPOCH + row.at * MICROSECOND,
            row.by,
            tuple(SchemaChange(**each) for each in json.loads(row.changes)),
            json.loads(row.renamed),
            bool(row.carried),
        )
        for row in connection.execute(wanted)
    ]
