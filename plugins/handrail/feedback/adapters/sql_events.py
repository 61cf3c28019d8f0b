"""Feedback events in SQL."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import sqlalchemy as sa

from handrail.feedback.adapters.sql_append import Appender, Outcome, Recordable
from handrail.feedback.adapters.sql_tables import Moment, arrival, event, from_microseconds
from handrail.feedback.domain.plain import PlainEvent
from handrail.feedback.domain.values import Feedback, Receipt
from handrail.feedback.ports import EventLog, Intake
from handrail.storage import Store
from handrail.storage.bulk import TEXT, insert_new, read

EVENTS = Appender(event, what="feedback")
NEVER = -(2**63)
"""Earlier than every moment."""
_HELD = "select e.event_id, e.body, e.received_at from {given} cross join feedback_event e where e.event_id = g.a"
_EARLIEST = (
    sa.select(sa.func.min(arrival.c.received_at)).where(arrival.c.event_id == event.c.event_id).scalar_subquery()
)


class SqlEvents(EventLog):
    """The log of feedback events in SQL."""

    def __init__(self, store: Store, intake: Intake) -> None:
        self._store = store
        self._intake = intake

    def append(self, events: Sequence[Feedback]) -> Receipt:
        """Keep all events durably in one transaction, or none."""
        return self._intake.keep(events)

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


def record_events(connection: sa.Connection, rows: Sequence[PlainEvent], said: Callable[[int], Recordable]) -> Outcome:
    """Add events in the caller's transaction; see `Appender.append`."""
    outcome = EVENTS.append(connection, rows, said)
    if outcome.known:
        _keep_earlier_arrivals(connection, [rows[place] for place in outcome.known])
    return outcome


def _keep_earlier_arrivals(connection: sa.Connection, sent: Sequence[PlainEvent]) -> None:
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
