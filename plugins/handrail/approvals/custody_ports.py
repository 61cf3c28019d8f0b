"""Labelled rows and predictions in the gate's custody. Each docstring states the promise that an adapter keeps."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import BinaryIO, Protocol

from handrail.approvals.domain.predictions import Commitment, Foretelling
from handrail.approvals.domain.row_custody import HandedIn, RowsConfirmed


class SnapshotBook(Protocol):
    """Who handed in which snapshot, and who confirmed it; append-only and durable."""

    @abstractmethod
    def handed_in(self, model: str | None = None) -> Sequence[HandedIn]:
        """Return what was handed in to measure a model on, or any, oldest first; of some the model is not known."""

    @abstractmethod
    def confirm(self, confirmation: RowsConfirmed) -> None:
        """Store the confirmation durably, together with its leaf of the log.

        Another one of the same account about the same snapshot and model changes nothing.
        """

    @abstractmethod
    def confirmations(self, digest: str) -> Sequence[RowsConfirmed]:
        """Return who confirmed a snapshot, for whichever model, oldest first.

        Raises:
            LogMismatch: what is stored is not what was logged.
        """


class PredictionBook(Protocol):
    """Predictions that the gate had before their outcome: Parquet files by the sha256 of their bytes."""

    @abstractmethod
    def commit(self, content: BinaryIO, said: Foretelling) -> Commitment:
        """Keep the bytes durably, then store when that was, by a clock of its own, together with its leaf of the log.

        The same bytes for the same tree change nothing: what was stored first is returned.

        Raises:
            InvalidInput: it is not a Parquet file, or too large.
            Refused: there are too many for this tree.
        """

    @abstractmethod
    def committed(self, tree_digest: str) -> Sequence[Commitment]:
        """Return what was committed for a tree, oldest first.

        Raises:
            LogMismatch: what is stored is not what was logged.
        """

    @abstractmethod
    def path(self, digest: str) -> str:
        """Return where the bytes of a commitment are.

        Raises:
            UnknownReference: there are none.
        """
