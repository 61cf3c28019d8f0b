"""Feedback events in SQL."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from handrail.feedback.adapters.sql_append import Appender, Row
from handrail.feedback.adapters.sql_tables import event, to_microseconds
from handrail.feedback.domain.values import Feedback, Receipt
from handrail.feedback.ports import EventLog
from handrail.storage import Store

EVENTS = Appender(event, what="feedback")


class SqlEvents(EventLog):
    """The log of feedback events in SQL."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def append(self, events: Sequence[Feedback]) -> Receipt:
        """Keep all events durably in one transaction, or none."""
        rows = list(map(_row, events))
        with self._store.write() as connection:
            return EVENTS.append(connection, events, rows)

    def about(self, prediction_id: str) -> tuple[Feedback, ...]:
        """Return every event about a prediction."""
        columns = [event.c[name] for name in Feedback.__slots__ if name != "retracts"]
        with self._store.read() as connection:
            rows = connection.execute(sa.select(*columns).where(event.c.prediction_id == prediction_id)).all()
        return tuple(Feedback(**row._asdict(), retracts=row.value is None) for row in rows)


def _row(each: Feedback) -> Row:
    body = each.body_digest()
    return (
        each.event_id or body.hex(),
        each.prediction_id,
        each.kind,
        each.source,
        int(each.revision),
        to_microseconds(each.occurred_at),
        to_microseconds(each.received_at),
        None if each.value is None else float(each.value),
        body,
    )
