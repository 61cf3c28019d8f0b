"""Keeps in SQL what is to be forwarded."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from handrail.lineage.adapters.sql.tables import event, outbox
from handrail.lineage.domain.outbox import QueuedEvent, QueueLength
from handrail.lineage.ports import Outbox
from handrail.storage import Store
from handrail.storage.bulk import repeat

_SETTLE = "delete from lineage_outbox where sink = {p} and event_id = {p}"


class SqlOutbox(Outbox):
    """The outbox: a row for each event and sink, until the sink took it."""

    def __init__(self, store: Store) -> None:
        """Work in `store`, whose tables exist."""
        self._store = store

    def waiting(self, sink: str, limit: int) -> tuple[QueuedEvent, ...]:
        """Return the oldest events that wait for a sink; those of one moment by the rank of their state."""
        query = (
            sa.select(outbox.c.event_id, outbox.c.stream, event.c.body)
            .join(event, event.c.event_id == outbox.c.event_id)
            .where(outbox.c.sink == sink, outbox.c.refused.is_(None))
            .order_by(outbox.c.event_time, outbox.c.state_rank, outbox.c.event_id)
            .limit(limit)
        )
        with self._store.read() as connection:
            return tuple(QueuedEvent(*row) for row in connection.execute(query))

    def settle(self, sink: str, event_ids: Sequence[str]) -> None:
        """Take events from the queue, durably."""
        if not event_ids:
            return
        with self._store.write() as connection:
            repeat(connection, _SETTLE, [(sink, each) for each in event_ids])

    def refuse(self, sink: str, event_id: str, reason: str) -> None:
        """Keep an event aside with the reason."""
        self._change(sa.and_(outbox.c.sink == sink, outbox.c.event_id == event_id), reason)

    def retry(self, sink: str) -> int:
        """Queue again what was refused; return how many."""
        return self._change(sa.and_(outbox.c.sink == sink, outbox.c.refused.is_not(None)), None)

    def lengths(self) -> tuple[QueueLength, ...]:
        """Return how much waits for each sink and how much it refused."""
        refused = sa.func.count(outbox.c.refused)
        query = sa.select(outbox.c.sink, sa.func.count() - refused, refused).group_by(outbox.c.sink)
        with self._store.read() as connection:
            return tuple(QueueLength(*row) for row in connection.execute(query.order_by(outbox.c.sink)))

    def _change(self, which: sa.ColumnElement[bool], refused: Any) -> int:
        with self._store.write() as connection:
            return connection.execute(outbox.update().where(which).values(refused=refused)).rowcount
