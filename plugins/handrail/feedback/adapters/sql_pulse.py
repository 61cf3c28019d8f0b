"""Counts the newest rows of both logs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from handrail.feedback.domain.parts import What
from handrail.feedback.domain.summaries import Orphans, Rate, Recent
from handrail.feedback.domain.values import microseconds
from handrail.feedback.ports import Pulse
from handrail.storage import Store
from handrail.storage.bulk import fetch, mark

_PREDICTIONS = """select uri, sum(case when made_at > {p} then 1 else 0 end), count(*)
from feedback_prediction join feedback_deployment on feedback_deployment.id = deployment_id
where seq > {p} and made_at > {p} and made_at <= {p} group by uri order by uri"""
_EVENTS = """select kind, sum(case when received_at > {p} then 1 else 0 end), count(*)
from feedback_event where seq > {p} and received_at > {p} and received_at <= {p} group by kind order by kind"""
_ORPHANS = """select kind, count(*), sum(case when
    exists (select 1 from feedback_prediction p where p.prediction_id = e.prediction_id)
    or (e.subject <> '' and exists (select 1 from feedback_prediction p where p.subject = e.subject))
then 0 else 1 end) from feedback_event e where seq > {p} and received_at <= {p} group by kind order by kind"""
_QUARANTINED = """select reason, count(*) from feedback_quarantine
where not exists (select 1 from feedback_quarantine_step where number = feedback_quarantine.seq)
group by reason order by reason"""
_TABLES: Mapping[What, str] = {"predictions": "feedback_prediction", "events": "feedback_event"}
MOST_JOINED = 10_000
"""For how many events at most it is looked whether they have a prediction."""


class SqlPulse(Pulse):
    """What came lately, read from SQL."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def recorded(self) -> Mapping[What, int]:
        """Return how many rows each log holds."""
        with self._store.read() as connection:
            counts = {what: fetch(connection, f"select count(*) from {table}") for what, table in _TABLES.items()}
        return {what: int(rows[0][0]) for what, rows in counts.items()}

    def recent(self, as_of: datetime, most: int) -> Recent:
        """Return what the newest rows say, `most` of each log at most."""
        now, hour, day = (microseconds(as_of - timedelta(hours=hours)) for hours in (0, 1, 24))
        with self._store.read() as connection:
            below = {what: _highest(connection, what) - most for what in _TABLES}
            made = _rows(connection, _PREDICTIONS, (hour, below["predictions"], day, now))
            said = _rows(connection, _EVENTS, (hour, below["events"], day, now))
            joined = below["events"] + most - min(most, MOST_JOINED)
            orphans = _rows(connection, _ORPHANS, (joined, now))
            reasons = fetch(connection, _QUARANTINED)
        return Recent(
            _rates(made),
            _rates(said),
            {kind: Orphans(int(count), int(without)) for kind, count, without in orphans},
            {reason: int(count) for reason, count in reasons},
            any(row > 0 for row in below.values()),
        )


def _highest(connection: sa.Connection, what: What) -> int:
    return int(fetch(connection, f"select coalesce(max(seq), 0) from {_TABLES[what]}")[0][0])


def _rows(connection: sa.Connection, query: str, values: tuple[int, ...]) -> Sequence[Any]:
    return fetch(connection, query.format(p=mark(connection)), values)


def _rates(rows: Sequence[Any]) -> Mapping[str, Rate]:
    return {name: Rate(int(hour), int(day)) for name, hour, day in rows}
