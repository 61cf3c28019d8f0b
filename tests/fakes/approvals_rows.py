"""Fakes of what is said about labelled rows, and of predictions from before their outcome."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import BinaryIO

from handrail.approvals.custody_ports import PredictionBook, SnapshotBook
from handrail.approvals.domain.predictions import Commitment, Foretelling
from handrail.approvals.domain.row_custody import HandedIn, RowsConfirmed
from handrail.clock import Clock, system_time
from handrail.errors import InvalidInput, UnknownReference
from tests.fakes.approvals_evidence import MemorySnapshots


class MemoryBook(SnapshotBook):
    """`SnapshotBook` in memory, about what was handed in to a `MemorySnapshots`."""

    def __init__(self, snapshots: MemorySnapshots) -> None:
        self.snapshots = snapshots
        self.said: dict[tuple[str, str, str], RowsConfirmed] = {}

    def handed_in(self, model: str | None = None) -> Sequence[HandedIn]:
        return [row for row in self.snapshots.rows.values() if model is None or row.model in (model, "")]

    def confirm(self, confirmation: RowsConfirmed) -> None:
        self.said.setdefault((confirmation.digest, confirmation.model, confirmation.account), confirmation)

    def confirmations(self, digest: str) -> Sequence[RowsConfirmed]:
        return [each for each in self.said.values() if each.digest == digest]


class MemoryPredictions(PredictionBook):
    """`PredictionBook` in memory; `clock` is the gate's own."""

    def __init__(self, clock: Clock = system_time) -> None:
        self.clock = clock
        self.kept: dict[tuple[str, str], Commitment] = {}

    def commit(self, content: BinaryIO, said: Foretelling) -> Commitment:
        sent = content.read()
        if not (sent.startswith(b"PAR1") and sent.endswith(b"PAR1")):
            raise InvalidInput("body", "it is not a Parquet file", "Hand in one.")
        digest = f"sha256:{hashlib.sha256(sent).hexdigest()}"
        return self.kept.setdefault((said.tree_digest, digest), Commitment(said, digest, self.clock()))

    def committed(self, tree_digest: str) -> Sequence[Commitment]:
        return [each for each in self.kept.values() if each.said.tree_digest == tree_digest]

    def path(self, digest: str) -> str:
        if digest not in {each.digest for each in self.kept.values()}:
            raise UnknownReference("file of predictions", digest, "Commit them again.", "predictions")
        return f"/predictions/{digest}"
