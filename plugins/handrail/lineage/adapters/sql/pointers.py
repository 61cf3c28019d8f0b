"""Keeps moving names in SQL."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa

from handrail.lineage.adapters.sql.tables import digest_row, to_text
from handrail.lineage.adapters.sql.tables import pointer as table
from handrail.lineage.domain.graph import Pointer
from handrail.lineage.ports import PointerLog
from handrail.storage import Store
from handrail.storage.bulk import insert_new

NO_TARGET = ""
MOVE = ("name", "at", "target", "by")


class SqlPointers(PointerLog):
    """The pointer table: a row for each move."""

    def __init__(self, store: Store) -> None:
        """Work in `store`, whose tables exist."""
        self._store = store

    def add(self, pointer: Pointer) -> None:
        """Keep a row, durably."""
        with self._store.write() as connection:
            move = (pointer.name, str(to_text(pointer.at)), pointer.target or NO_TARGET, pointer.by)
            row = dict(zip(MOVE, move, strict=True)) | {"row_digest": digest_row(move)}
            connection.execute(insert_new(connection, table), row)

    def at(self, name: str, moment: datetime) -> Pointer | None:
        """Return the last row of `name` at or before `moment`."""
        with self._store.read() as connection:
            row = connection.execute(
                _rows(name)
                .where(table.c.at <= to_text(moment))
                .order_by(table.c.at.desc(), table.c.target.desc(), table.c.by.desc())
                .limit(1)
            ).first()
        return _pointer(row) if row else None

    def history(self, name: str) -> tuple[Pointer, ...]:
        """Return all rows of `name`, oldest first."""
        with self._store.read() as connection:
            rows = connection.execute(_rows(name).order_by(table.c.at, table.c.target, table.c.by)).all()
        return tuple(map(_pointer, rows))

    def names(self, target: str | None = None) -> tuple[str, ...]:
        """Return every name that was ever set, or ever pointed at a URI."""
        query = sa.select(table.c.name).distinct().order_by(table.c.name)
        if target is not None:
            query = query.where(table.c.target == target)
        with self._store.read() as connection:
            return tuple(connection.execute(query).scalars())


def _rows(name: str) -> sa.Select[Any]:
    return sa.select(table).where(table.c.name == name)


def _pointer(row: Any) -> Pointer:
    return Pointer(row.name, row.target or None, datetime.fromisoformat(row.at), row.by)
