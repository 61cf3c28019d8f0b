"""Snapshots of labelled rows: bytes in a folder by their sha256, who handed them in and who looked in the store."""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
from datetime import datetime
from pathlib import Path
from typing import IO, BinaryIO

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from handrail.approvals.adapters.sql_seals import Seals
from handrail.approvals.adapters.tables import looks, snapshots
from handrail.approvals.evidence_ports import Looks, Snapshots
from handrail.errors import InvalidInput, UnknownReference
from handrail.files import REMEDY as FREE
from handrail.files import sync_folder, unwritable
from handrail.storage import Store

CHUNK_BYTES = 1 << 20
LARGEST_BYTES = 512 << 20
PARQUET = b"PAR1"
READ_ONLY = 0o400
REMEDY = "Hand in a Parquet file of labelled rows."
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


class FolderSnapshots(Snapshots):
    """Keeps the promise of `Snapshots`: `<folder>/<two hex digits>/<hex>.parquet`, readable by the server alone."""

    def __init__(self, folder: Path, store: Store, seals: Seals, largest_bytes: int = LARGEST_BYTES) -> None:
        """Keep bytes below the folder, and custodians in the store, whose approvals tables are migrated."""
        self._folder = folder
        self._store = store
        self._seals = seals
        self._largest = largest_bytes

    def keep(self, content: BinaryIO, model: str, account: str, at: datetime) -> str:
        """Keep the bytes with model and account; return their digest.

        Raises:
            InvalidInput: it is not a Parquet file, or too large.
            Unavailable: the disk is full, or the folder cannot be written.
        """
        with unwritable(self._folder, FREE):
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor, name = tempfile.mkstemp(dir=self._folder, prefix=".incoming-")
        beside = Path(name)
        try:
            with os.fdopen(descriptor, "wb") as incoming, unwritable(self._folder, FREE, beside):
                digest = self._receive(content, incoming)
                os.fchmod(descriptor, READ_ONLY)
                os.fsync(descriptor)
            with unwritable(self._folder, FREE):
                file = self._file(digest)
                file.parent.mkdir(mode=0o700, exist_ok=True)
                beside.replace(file)
                sync_folder(file.parent)
        finally:
            beside.unlink(missing_ok=True)
        row = {"digest": digest, "account": account, "model": model, "handed_in": at.isoformat()}
        with self._store.write() as connection:
            self._seals.insert(connection, snapshots, [row])
        return digest

    def path(self, digest: str) -> str:
        """Return where the bytes are.

        Raises:
            UnknownReference: nobody handed them in.
        """
        if not _DIGEST.fullmatch(digest) or not self._file(digest).is_file():
            raise UnknownReference("snapshot", digest, "Hand it in first: POST /handrail/api/v1/snapshots.", "snapshot")
        return str(self._file(digest))

    def custodians(self, digest: str) -> tuple[str, ...]:
        """Return every account that handed the snapshot in."""
        asked = (
            sa.select(snapshots.c.account).where(snapshots.c.digest == digest).distinct().order_by(snapshots.c.account)
        )
        with self._store.read() as connection:
            return tuple(connection.execute(asked).scalars())

    def _file(self, digest: str) -> Path:
        name = digest.removeprefix("sha256:")
        return self._folder / name[:2] / f"{name}.parquet"

    def _receive(self, content: BinaryIO, into: IO[bytes]) -> str:
        digest, size, head, tail = hashlib.sha256(), 0, b"", b""
        while chunk := content.read(CHUNK_BYTES):
            size += len(chunk)
            if size > self._largest:
                raise InvalidInput("body", f"it is larger than {self._largest:,} bytes", "Hand in fewer rows.")
            digest.update(chunk)
            into.write(chunk)
            head, tail = (head + chunk[:4])[:4], (tail + chunk[-4:])[-4:]
        into.flush()
        if (head, tail) != (PARQUET, PARQUET):
            raise InvalidInput("body", "it is not a Parquet file", REMEDY)
        return f"sha256:{digest.hexdigest()}"


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
