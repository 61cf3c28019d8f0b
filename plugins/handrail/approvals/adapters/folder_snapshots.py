"""Snapshots of labelled rows: bytes in a folder by their sha256, who handed them in and who looked in the store."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import BinaryIO

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from handrail.approvals.adapters.parquet_folder import ParquetFolder
from handrail.approvals.adapters.sql_seals import Seals
from handrail.approvals.adapters.tables import looks, snapshots
from handrail.approvals.evidence_ports import Looks, Snapshots
from handrail.errors import UnknownReference
from handrail.storage import Store

LARGEST_BYTES = 512 << 20
REMEDY = "Hand in a Parquet file of labelled rows."


class FolderSnapshots(Snapshots):
    """Keeps the promise of `Snapshots`: `<folder>/<two hex digits>/<hex>.parquet`, readable by the server alone."""

    def __init__(self, folder: Path, store: Store, seals: Seals, largest_bytes: int = LARGEST_BYTES) -> None:
        """Keep bytes below the folder, and custodians in the store, whose approvals tables are migrated."""
        self._files = ParquetFolder(folder, largest_bytes, REMEDY)
        self._store = store
        self._seals = seals

    def keep(self, content: BinaryIO, model: str, account: str, at: datetime) -> str:
        """Keep the bytes with model and account; return their digest.

        Raises:
            InvalidInput: it is not a Parquet file, or too large.
            Unavailable: the disk is full, or the folder cannot be written.
        """
        digest = self._files.keep(content)
        row = {"digest": digest, "account": account, "model": model, "handed_in": at.isoformat()}
        with self._store.write() as connection:
            self._seals.insert(connection, snapshots, [row])
        return digest

    def path(self, digest: str) -> str:
        """Return where the bytes are.

        Raises:
            UnknownReference: nobody handed them in.
        """
        file = self._files.path(digest)
        if file is None:
            raise UnknownReference("snapshot", digest, "Hand it in first: POST /handrail/api/v1/snapshots.", "snapshot")
        return str(file)

    def custodians(self, digest: str) -> tuple[str, ...]:
        """Return every account that handed the snapshot in."""
        asked = (
            sa.select(snapshots.c.account).where(snapshots.c.digest == digest).distinct().order_by(snapshots.c.account)
        )
        with self._store.read() as connection:
            return tuple(connection.execute(asked).scalars())


class SqlLooks(Looks):
    """Keeps the promise of `Looks`: a row a tree."""

    def __init__(self, store: Store, seals: Seals) -> None:
        """Write to the store, whose approvals tables are migrated."""
        self._store = store
        self._seals = seals

    def look(self, model: str, snapshot: str, tree_digest: str, budget: int) -> int | None:
        """Count the look unless it was counted or the budget is used up; return how many there are in that case."""
        of = sa.and_(looks.c.model == model, looks.c.snapshot == snapshot)
        counted = sa.select(sa.func.count()).select_from(looks).where(of)
        while True:
            try:
                with self._store.write() as connection:
                    mine = sa.select(looks.c.place).where(of, looks.c.tree_digest == tree_digest)
                    used = int(connection.execute(counted).scalar_one())
                    if connection.execute(mine).first() is not None:
                        return None
                    if used >= budget:
                        return used
                    row = {"model": model, "snapshot": snapshot, "place": used, "tree_digest": tree_digest}
                    connection.execute(looks.insert().values(row))
                    self._seals.seal(connection, looks, row)
                    return None
            except IntegrityError:
                # Another process took that place at the same moment: count again.
                continue
