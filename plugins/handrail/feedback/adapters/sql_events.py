"""Feedback events in SQL."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import sqlalchemy as sa

from handrail.feedback.adapters.sql_append import Appender
from handrail.feedback.adapters.sql_tables import Moment, arrival, event, from_microseconds
from handrail.feedback.domain.values import Feedback, Receipt, microseconds
from handrail.feedback.ports import EventLog
from handrail.storage import Store
from handrail.storage.bulk import TEXT, insert_new, read


class EventRow(NamedTuple):
    """A row of the table, in the order of its columns, `seq` left out."""

    event_id: str
    prediction_id: str
    kind: str
    source: str
    revision: int
    occurred_at: int
    received_at: int
    value: float | None
    subject: str
    service: str
    since: int | None
    until: int | None
    item: str
    unit: str
    body: bytes


EVENTS = Appender(event, what="feedback")
NEVER = -(2**63)
"""Earlier than every moment."""
_HELD = "select e.event_id, e.body, e.received_at from {given} cross join feedback_event e where e.event_id = g.a"
_EARLIEST = (
    sa.select(sa.func.min(arrival.c.received_at)).where(arrival.c.event_id == event.c.event_id).scalar_subquery()
)


class SqlEvents(EventLog):
    """The log of feedback events in SQL."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def append(self, events: Sequence[Feedback]) -> Receipt:
        """Keep all events durably in one transaction, or none."""
        rows = list(map(_row, events))
        with self._store.write() as connection:
            receipt = EVENTS.append(connection, events, rows)
            if receipt.repeated:
                _keep_earlier_arrivals(connection, rows)
        return receipt

    def about(self, prediction_id: str) -> tuple[Feedback, ...]:
        """Return every event that names a prediction."""
        return self._found(event.c.prediction_id == prediction_id)

    def naming(self, subject: str) -> tuple[Feedback, ...]:
        """Return every event that names a subject."""
        # Said as the index says it, which has those with a subject alone.
        return self._found(sa.and_(event.c.subject == subject, event.c.subject != ""))

    def _found(self, wanted: sa.ColumnElement[bool]) -> tuple[Feedback, ...]:
        plain = [event.c[name] for name in Feedback.__slots__ if name not in ("received_at", "retracts")]
        columns = [*plain, sa.func.coalesce(_EARLIEST, event.c.received_at, type_=Moment).label("received_at")]
        with self._store.read() as connection:
            rows = connection.execute(sa.select(*columns).where(wanted)).all()
        return tuple(Feedback(**row._asdict(), retracts=row.value is None) for row in rows)


def _keep_earlier_arrivals(connection: sa.Connection, sent: Sequence[EventRow]) -> None:
    """Keep when known events were received, where that is earlier than their rows say."""
    rows = read(connection, _HELD, sorted({each.event_id for each in sent}), TEXT)
    held = {(event_id, body): received_at for event_id, body, received_at in rows}
    earlier = {
        (each.event_id, each.received_at)
        for each in sent
        if each.received_at < held.get((each.event_id, each.body), NEVER)
    }
    if earlier:
        values = [{"event_id": event_id, "received_at": from_microseconds(at)} for event_id, at in sorted(earlier)]
        connection.execute(insert_new(connection, arrival), values)


def _row(each: Feedback) -> EventRow:
    body = each.body_digest()
    return EventRow(
        each.event_id or body.hex(),
        each.prediction_id,
        each.kind,
        each.source,
        int(each.revision),
        microseconds(each.occurred_at),
        microseconds(each.received_at),
        None if each.value is None else float(each.value),
        each.subject,
        each.service,
        None if each.since is None else microseconds(each.since),
        None if each.until is None else microseconds(each.until),
        each.item,
        each.unit,
        body,
    )
