"""What is said about snapshots, in Handrail's own store: a confirmation is a row, sealed, with its leaf of the log."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from handrail.approvals.adapters.sql_log import SqlLog, read_leaf
from handrail.approvals.adapters.sql_seals import Seals
from handrail.approvals.adapters.tables import confirmations, snapshots
from handrail.approvals.custody_ports import SnapshotBook
from handrail.approvals.domain.errors import LogMismatch
from handrail.approvals.domain.leaves import Leaf, LoggedLeaf
from handrail.approvals.domain.row_custody import HandedIn, RowsConfirmed
from handrail.manifest import digest_of
from handrail.storage import Store

KEY = "sc-"
KIND = "snapshot-confirmed"
SAID = ("digest", "model", "account", "person")


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
        said = {name: getattr(confirmation, name) for name in SAID}
        while True:
            try:
                if self._stored(said, confirmation.at.isoformat()):
                    self._log and self._log.committed()
                return
            except IntegrityError:
                # Another process took that place at the same moment: look again.
                continue

    def confirmations(self, digest: str) -> Sequence[RowsConfirmed]:
        """Return who confirmed a snapshot, as it was logged."""
        wanted = sa.select(confirmations).where(confirmations.c.digest == digest).order_by(confirmations.c.position)
        with self._store.read() as connection:
            rows = connection.execute(wanted).all()
            if self._log and self._log.has_begun(connection):
                leaves = self._log.about(connection, [key_of(digest)])
                problem = next(confirmation_mismatches(rows, leaves), None)
                if problem:
                    raise LogMismatch(f"The confirmations of {digest}", problem)
        return [
            RowsConfirmed(row.digest, row.model, row.account, row.person, datetime.fromisoformat(row.confirmed_at))
            for row in rows
        ]

    def _stored(self, said: dict[str, Any], at: str) -> bool:
        assert self._log is not None, "this was opened for reading"
        assert self._seals is not None, "this was opened for reading"
        about = confirmations.c.digest == said["digest"]
        same = sa.and_(about, confirmations.c.model == said["model"], confirmations.c.account == said["account"])
        last = sa.select(sa.func.coalesce(sa.func.max(confirmations.c.position), -1)).where(about)
        with self._store.write() as connection:
            if connection.execute(sa.select(confirmations.c.position).where(same)).first() is not None:
                return False
            place = int(connection.execute(last).scalar_one()) + 1
            row = said | {"position": place, "confirmed_at": at}
            connection.execute(confirmations.insert().values(row))
            self._seals.seal(connection, confirmations, row)
            self._log.append(connection, Leaf(KIND, at, said, key_of(said["digest"]), place))
        return True


def key_of(digest: str) -> str:
    """Return under which key the log has the leaves about the confirmations of a snapshot."""
    return KEY + digest_of(["confirmations", digest]).removeprefix("sha256:")[:20]


def confirmation_mismatches(rows: Sequence[Any], leaves: Sequence[LoggedLeaf]) -> Iterator[str]:
    """Yield what differs between the confirmations of one snapshot and the leaves about them, which are verified."""
    logged = {leaf.position: (leaf.number, read_leaf(leaf.content)) for leaf in leaves}
    for row in rows:
        number, values = logged.pop(row.position, (None, {}))
        if number is None:
            yield f"have an entry {row.position} without a leaf in the log"
            continue
        stored = {name: getattr(row, name) for name in SAID}
        if (stored, row.confirmed_at) != (values["facts"], values["at"]) or values["kind"] != KIND:
            yield f"have an entry {row.position} that is not what leaf {number} says"
    for position, (number, _) in sorted(logged.items(), key=str):
        yield f"have lost their entry {position}, which leaf {number} has"
