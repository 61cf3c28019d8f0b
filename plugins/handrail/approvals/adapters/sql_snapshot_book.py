"""What is said about snapshots, in Handrail's own store: a confirmation is a row, sealed, with its leaf of the log."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from handrail.approvals.adapters.sealed_statements import CONFIRMATIONS
from handrail.approvals.adapters.sql_log import SqlLog
from handrail.approvals.adapters.sql_seals import Seals
from handrail.approvals.adapters.tables import snapshots
from handrail.approvals.custody_ports import SnapshotBook
from handrail.approvals.domain.row_custody import HandedIn, RowsConfirmed
from handrail.storage import Store


class SqlSnapshotBook(SnapshotBook):
    """Keeps the promise of `SnapshotBook`."""

    def __init__(self, store: Store, log: SqlLog | None, seals: Seals | None) -> None:
        """Write to the store, whose approvals tables are migrated; without a log it reads, and checks nothing."""
        self._store = store
        self._log = log
        self._seals = seals

    def handed_in(self, model: str | None = None) -> Sequence[HandedIn]:
        """Return what was handed in for a model, or before models were recorded."""
        order = (snapshots.c.handed_in, snapshots.c.digest, snapshots.c.account)
        wanted = sa.select(snapshots).order_by(*order)
        if model is not None:
            wanted = wanted.where(snapshots.c.model.in_([model, ""]))
        with self._store.read() as connection:
            return [
                HandedIn(row.digest, row.model, row.account, datetime.fromisoformat(row.handed_in))
                for row in connection.execute(wanted)
            ]

    def confirm(self, confirmation: RowsConfirmed) -> None:
        """Store the confirmation with its seal and its leaf, unless the account has said so already."""
        assert self._log is not None, "this was opened for reading"
        assert self._seals is not None, "this was opened for reading"
        said = {name: getattr(confirmation, name) for name in CONFIRMATIONS.said}
        at = confirmation.at.isoformat()
        while True:
            try:
                with self._store.write() as connection:
                    is_new = CONFIRMATIONS.add(connection, self._log, self._seals, said, at)
            except IntegrityError:
                # Another process took that place at the same moment: look again.
                continue
            if is_new:
                self._log.committed()
            return

    def confirmations(self, digest: str) -> Sequence[RowsConfirmed]:
        """Return who confirmed a snapshot, as it was logged."""
        with self._store.read() as connection:
            rows = CONFIRMATIONS.about_one(connection, self._log, digest)
        return [
            RowsConfirmed(row.digest, row.model, row.account, row.person, datetime.fromisoformat(row.confirmed_at))
            for row in rows
        ]
