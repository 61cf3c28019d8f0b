"""Which files were exported from which snapshot, in SQL; and the writer that notes each of its own."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import sqlalchemy as sa

from handrail.feedback.adapters.sql_tables import export
from handrail.feedback.domain.erasure import Export
from handrail.feedback.domain.snapshots import LabelTable
from handrail.feedback.erasure_ports import ExportBook
from handrail.feedback.ports import LabelWriter
from handrail.files import sha256_of
from handrail.storage import Store


class SqlExports(ExportBook):
    """Exports in SQL."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def note(self, written: Export) -> None:
        """Keep an export; another one to the same path takes its place."""
        with self._store.write() as connection:
            connection.execute(sa.delete(export).where(export.c.path == written.path))
            connection.execute(sa.insert(export), asdict(written))

    def all(self) -> tuple[Export, ...]:
        """Return every export, sorted by path."""
        with self._store.read() as connection:
            rows = connection.execute(sa.select(export)).all()
        return tuple(sorted((Export(**row._asdict()) for row in rows), key=lambda each: each.path))


class NotedLabels(LabelWriter):
    """Writes labels, and notes where."""

    def __init__(self, inner: LabelWriter, book: ExportBook) -> None:
        self._inner, self._book = inner, book

    def write(self, table: LabelTable, path: Path) -> None:
        """Write the table in one step, and note the file."""
        self._inner.write(table, path)
        self._book.note(Export(str(path.resolve()), table.snapshot.digest, sha256_of(path)))
