"""Feedback events in SQL."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from handrail.feedback.adapters.sql_append import Appender, Row
from handrail.feedback.adapters.sql_tables import Moment, arrival, event, from_microseconds, to_microseconds
from handrail.feedback.domain.values import Feedback, Receipt
from handrail.feedback.ports import EventLog
from handrail.storage import Store
from handrail.storage.bulk import TEXT, insert_new, read

EVENTS = Appender(event, what="feedback")
KEY, RECEIVED_AT, BODY = 0, 6, 8
"""Places in a row that `_row` makes."""
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
        """Return every event about a prediction."""
        plain = [event.c[name] for name in Feedback.__slots__ if name not in ("received_at", "retracts")]
        columns = [*plain, sa.func.coalesce(_EARLIEST, event.c.received_at, type_=Moment).label("received_at")]
        with self._store.read() as connection:
            rows = connection.execute(sa.select(*columns).where(event.c.prediction_id == prediction_id)).all()
        return tuple(Feedback(**row._asdict(), retracts=row.value is None) for row in rows)


def _keep_earlier_arrivals(connection: sa.Connection, sent: Sequence[Row]) -> None:
    """Keep when known events were received, where that is earlier than their rows say."""
    rows = read(connection, _HELD, sorted({each[KEY] for each in sent}), TEXT)
    held = {(event_id, body): received_at for event_id, body, received_at in rows}
    earlier = {
        (each[KEY], each[RECEIVED_AT]) for each in sent if each[RECEIVED_AT] < held.get((each[KEY], each[BODY]), NEVER)
    }
    if earlier:
        values = [{"event_id": event_id, "received_at": from_microseconds(at)} for event_id, at in sorted(earlier)]
        connection.execute(insert_new(connection, arrival), values)


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
