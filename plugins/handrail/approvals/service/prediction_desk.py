"""Takes predictions of a version before their outcome can be known."""

from __future__ import annotations

from dataclasses import dataclass
from typing import BinaryIO

from handrail.approvals.custody_ports import PredictionBook
from handrail.approvals.domain.predictions import Commitment, Foretelling
from handrail.approvals.ports import Registry
from handrail.approvals.service.reading import TreeReader


@dataclass(frozen=True, slots=True)
class PredictionDesk:
    """Binds predictions to the files of the version that made them."""

    book: PredictionBook
    registry: Registry
    reader: TreeReader

    def commit(self, content: BinaryIO, model: str, version: str, account: str) -> Commitment:
        """Keep a Parquet file of a subject and a score a row, and log that it was here now.

        Raises:
            StillReading: the version's files are being read; repeat the call, nothing of the content was read.
            UnknownReference: there is no such version.
            Refused: its files cannot be used, or there are too many files of predictions for them.
            InvalidInput: it is not a Parquet file, or too large.
        """
        manifest = self.reader.copy(self.registry.candidate(model, version), account)
        return self.book.commit(content, Foretelling(manifest.digest, model, account))
