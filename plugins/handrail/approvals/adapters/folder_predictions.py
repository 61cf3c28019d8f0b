"""Predictions before their outcome: bytes in a folder by their sha256, when they came in the store and in the log."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

from sqlalchemy.exc import IntegrityError

from handrail.approvals.adapters.parquet_folder import ParquetFolder
from handrail.approvals.adapters.sealed_statements import COMMITMENTS
from handrail.approvals.adapters.sql_log import SqlLog
from handrail.approvals.adapters.sql_seals import Seals
from handrail.approvals.custody_ports import PredictionBook
from handrail.approvals.domain.predictions import Commitment, Foretelling
from handrail.clock import Clock
from handrail.errors import Refused, UnknownReference
from handrail.storage import Store

LARGEST_BYTES = 64 << 20
MOST = 400
"""How many files of predictions one tree may have: each is lent to the evaluator as an open file."""


class FolderPredictions(PredictionBook):
    """Keeps the promise of `PredictionBook`."""

    def __init__(self, folder: Path, store: Store, log: SqlLog, seals: Seals, clock: Clock) -> None:
        """Keep bytes below the folder, the rest in the store, whose approvals tables are migrated."""
        self._files = ParquetFolder(folder, LARGEST_BYTES, "Send a Parquet file with a subject and a score.")
        self._store, self._log, self._seals = store, log, seals
        self._clock = clock

    def commit(self, content: BinaryIO, said: Foretelling) -> Commitment:
        """Keep the bytes, then store that they are here since now."""
        if len(self.committed(said.tree_digest)) >= MOST:
            reason = f"It has {MOST} files of them; put the predictions of more days into one."
            raise Refused(f"More predictions of {said.tree_digest}", (reason,))
        digest = self._files.keep(content)
        row = {
            "tree_digest": said.tree_digest,
            "digest": digest,
            "model": said.model,
            "account": said.account,
        }
        while True:
            # Only now: what begins to be sent before an outcome may end after it.
            at = self._clock().isoformat()
            try:
                with self._store.write() as connection:
                    is_new = COMMITMENTS.add(connection, self._log, self._seals, row, at)
            except IntegrityError:
                # Another process took that place at the same moment: look again.
                continue
            if is_new:
                self._log.committed()
            return next(each for each in self.committed(said.tree_digest) if each.digest == digest)

    def committed(self, tree_digest: str) -> Sequence[Commitment]:
        """Return what was committed for a tree, as it was logged."""
        with self._store.read() as connection:
            rows = COMMITMENTS.about_one(connection, self._log, tree_digest)
        return [
            Commitment(
                Foretelling(row.tree_digest, row.model, row.account),
                row.digest,
                datetime.fromisoformat(row.committed_at),
            )
            for row in rows
        ]

    def path(self, digest: str) -> str:
        """Return where the bytes are.

        Raises:
            UnknownReference: there are none.
        """
        file = self._files.path(digest)
        if file is None:
            remedy = "Restore the gate's folder from a backup, or commit them again."
            raise UnknownReference("file of predictions", digest, remedy, "predictions")
        return str(file)
