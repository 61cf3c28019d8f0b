"""Counts what the log holds."""

from __future__ import annotations

import sqlalchemy as sa

from handrail.feedback.adapters.sql_damages import find_damages
from handrail.feedback.adapters.sql_tables import deployment, event, prediction, quarantine, quarantine_step, snapshot
from handrail.feedback.domain.quarantine import Reason
from handrail.feedback.domain.values import Damage, Status
from handrail.feedback.ports import Auditor
from handrail.storage import Store

CONFLICT = str(Reason.CONFLICT)


class SqlAuditor(Auditor):
    """Counts, read from SQL."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def status(self) -> Status:
        """Count everything."""
        by_id = sa.exists().where(prediction.c.prediction_id == event.c.prediction_id)
        by_key = sa.exists().where(prediction.c.subject == event.c.subject)
        known = sa.or_(by_id, sa.and_(event.c.subject != "", by_key))
        settled = sa.exists().where(quarantine_step.c.number == quarantine.c.seq)
        questions = {
            "deployments": sa.select(sa.func.count()).select_from(deployment),
            "predictions": sa.select(sa.func.count()).select_from(prediction),
            "feedback": sa.select(sa.func.count()).select_from(event),
            "orphans": sa.select(sa.func.count()).select_from(event).where(~known),
            "conflicts": sa.select(sa.func.count()).select_from(quarantine).where(quarantine.c.reason == CONFLICT),
            "quarantined": sa.select(sa.func.count()).select_from(quarantine).where(~settled),
            "snapshots": sa.select(sa.func.count()).select_from(snapshot),
        }
        with self._store.read() as connection:
            return Status(**{name: connection.execute(query).scalar_one() for name, query in questions.items()})

    def damages(self) -> tuple[Damage, ...]:
        """Return every row that was altered, as far as its digest or another row shows it."""
        return tuple(find_damages(self._store))
