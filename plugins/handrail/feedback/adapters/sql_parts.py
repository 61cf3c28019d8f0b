"""Which files hold which rows, and the rows for them, in SQL."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import date
from typing import Any

import sqlalchemy as sa

from handrail.errors import Unavailable
from handrail.feedback.adapters.sql_tables import event, part, prediction
from handrail.feedback.domain.material import Mark, Scope
from handrail.feedback.domain.parts import Part, Reach
from handrail.feedback.domain.values import microseconds
from handrail.feedback.ports import PartBook, PartSource
from handrail.storage import Store
from handrail.storage.bulk import fetch, mark

_PREDICTIONS = """select p.seq, p.made_at, p.deployment_id, d.uri, p.prediction_id, p.subject, p.made_at, p.score,
    p.label, p.features_digest, p.feature_service, p.latency_ms, p.variant, p.propensity, p.sampled
from feedback_prediction p join feedback_deployment d on d.id = p.deployment_id
where p.seq between {p} and {p} order by p.seq limit {p}"""
_EVENTS = """select e.seq, coalesce(p.made_at, e.occurred_at), coalesce(p.deployment_id, 0), d.uri,
    e.event_id, e.prediction_id, e.kind, e.source, e.revision, e.occurred_at, e.received_at, e.value,
    e.subject, e.service, e.since, e.until, e.item, e.unit
from feedback_event e left join feedback_prediction p on p.prediction_id = e.prediction_id
left join feedback_deployment d on d.id = p.deployment_id
where e.seq between {p} and {p} order by e.seq limit {p}"""
_EARLIER = """select distinct a.event_id from feedback_arrival a cross join feedback_event e
where e.event_id = a.event_id and e.kind = {p} and e.received_at > {p} and a.received_at <= {p} and a.seq <= {p}"""
_TABLES = {"predictions": prediction, "events": event}
_ROWS = {"predictions": _PREDICTIONS, "events": _EVENTS}


def _part(row: Any) -> Part:
    try:
        return Part(**row._asdict() | {"day": date.fromisoformat(row.day)})
    except (ValueError, TypeError) as err:
        remedy = "The log has its rows: delete this row of feedback_part, and run handrail feedback compact."
        raise Unavailable(f"The record of the part {row.path}", "it is damaged", remedy) from err


class SqlPartSource(PartSource):
    """Rows of the log for parts, read from SQL."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def rows(self, reach: Reach, most: int) -> Sequence[tuple[Any, ...]]:
        """Return the first rows of a reach, at most so many, by their numbers."""
        with self._store.read() as connection:
            sql = _ROWS[reach.what].format(p=mark(connection))
            return [tuple(row) for row in fetch(connection, sql, (reach.first, reach.last, most))]

    def count(self, reach: Reach) -> int:
        """Return how many rows of the log a reach has."""
        table = _TABLES[reach.what]
        asked = sa.select(sa.func.count()).where(table.c.seq.between(reach.first, reach.last))
        with self._store.read() as connection:
            return int(connection.execute(asked).scalar_one())

    def heard_earlier(self, scope: Scope, upto: Mark) -> Sequence[str]:
        """Return the ids of events of a kind that were known at the as-of time, unlike what their rows say."""
        as_of = microseconds(scope.as_of)
        with self._store.read() as connection:
            sql = _EARLIER.format(p=mark(connection))
            return [row[0] for row in fetch(connection, sql, (scope.kind, as_of, as_of, upto.arrivals))]


class SqlParts(PartBook):
    """Which files hold which rows, in SQL."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def all(self) -> tuple[Part, ...]:
        """Return every part, sorted by path."""
        with self._store.read() as connection:
            rows = connection.execute(sa.select(part)).all()
        return tuple(sorted(map(_part, rows), key=lambda each: each.path))

    def record(self, parts: Sequence[Part], instead_of: Sequence[Part] = ()) -> None:
        """Keep parts durably, all or none, in the place of those others."""
        with self._store.write() as connection:
            if instead_of:
                paths = [{"old": each.path} for each in instead_of]
                connection.execute(sa.delete(part).where(part.c.path == sa.bindparam("old")), paths)
            if parts:
                rows = [asdict(each) | {"day": each.day.isoformat()} for each in parts]
                connection.execute(sa.insert(part), rows)
