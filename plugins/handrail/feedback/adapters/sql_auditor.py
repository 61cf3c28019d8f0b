"""Counts what the log holds, and lists what was quarantined."""

from __future__ import annotations

import json

import sqlalchemy as sa

from handrail.feedback.adapters.sql_damages import find_damages
from handrail.feedback.adapters.sql_tables import conflict, deployment, event, prediction, snapshot
from handrail.feedback.domain.values import Damage, Quarantined, Status
from handrail.feedback.ports import Auditor
from handrail.storage import Store


class SqlAuditor(Auditor):
    """Counts and quarantine, read from SQL."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def status(self) -> Status:
        """Count everything."""
        by_id = sa.exists().where(prediction.c.prediction_id == event.c.prediction_id)
        by_key = sa.exists().where(prediction.c.subject == event.c.subject)
        known = sa.or_(by_id, sa.and_(event.c.subject != "", by_key))
        questions = {
            "deployments": sa.select(sa.func.count()).select_from(deployment),
            "predictions": sa.select(sa.func.count()).select_from(prediction),
            "feedback": sa.select(sa.func.count()).select_from(event),
            "orphans": sa.select(sa.func.count()).select_from(event).where(~known),
            "conflicts": sa.select(sa.func.count()).select_from(conflict),
            "snapshots": sa.select(sa.func.count()).select_from(snapshot),
        }
        with self._store.read() as connection:
            return Status(**{name: connection.execute(query).scalar_one() for name, query in questions.items()})

    def damages(self) -> tuple[Damage, ...]:
        """Return every row that was altered, as far as its digest or another row shows it."""
        return tuple(find_damages(self._store))

    def quarantined(self, limit: int) -> tuple[Quarantined, ...]:
        """Return the newest conflicting bodies, newest first."""
        with self._store.read() as connection:
            rows = connection.execute(sa.select(conflict).order_by(conflict.c.seq.desc()).limit(limit)).all()
        return tuple(Quarantined(row.what, row.identifier, json.loads(row.content), row.quarantined_at) for row in rows)
