"""Confirmations of labelled rows for callers that are not trusted: who may give one is judged here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from handrail.approvals.custody_ports import SnapshotBook
from handrail.approvals.domain.row_custody import HandedIn, RowsConfirmed
from handrail.approvals.service.row_custody import RowCustody


@dataclass(frozen=True, slots=True)
class ProvenSnapshotBook(SnapshotBook):
    """Keeps the promise of `SnapshotBook` in front of another, for those who may confirm."""

    book: SnapshotBook
    custody: RowCustody

    def handed_in(self, model: str | None = None) -> Sequence[HandedIn]:
        """Return what was handed in for a model, oldest first."""
        return self.book.handed_in(model)

    def confirm(self, confirmation: RowsConfirmed) -> None:
        """Store the confirmation.

        Raises:
            UnknownReference: nobody handed the snapshot in for this model.
            NotEligible: the account may not confirm it.
            Refused: it names another person, or another moment than now.
        """
        self.custody.require(confirmation)
        self.book.confirm(confirmation)

    def confirmations(self, digest: str) -> Sequence[RowsConfirmed]:
        """Return who confirmed a snapshot, oldest first."""
        return self.book.confirmations(digest)
