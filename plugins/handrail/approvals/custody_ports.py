"""What is said about labelled rows in the gate's custody. The docstring states the promise that an adapter keeps."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Protocol

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
