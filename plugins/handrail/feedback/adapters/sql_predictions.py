"""Predictions in SQL."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from handrail.feedback.adapters.sql_append import Appender, Outcome, Recordable
from handrail.feedback.adapters.sql_deployments import deployment_ids
from handrail.feedback.adapters.sql_tables import deployment, prediction
from handrail.feedback.domain.addresses import Rival
from handrail.feedback.domain.plain import PlainPrediction
from handrail.feedback.domain.values import Prediction, Receipt
from handrail.feedback.ports import Intake, PredictionLog
from handrail.storage import Store
from handrail.storage.bulk import TEXT, read

PREDICTIONS = Appender(prediction, what="prediction")
# Made once: a look-up of a single prediction takes no longer than building its query.
_FOUND = (
    sa.select(
        *(prediction.c[name] for name in Prediction.__slots__ if name != "deployment"),
        deployment.c.uri.label("deployment"),
    )
    .join_from(prediction, deployment, prediction.c.deployment_id == deployment.c.id)
    .where(prediction.c.prediction_id == sa.bindparam("prediction_id"))
)
_MADE_BY = (
    sa.select(deployment.c.uri)
    .join_from(prediction, deployment, prediction.c.deployment_id == deployment.c.id)
    .where(prediction.c.prediction_id == sa.bindparam("prediction_id"))
)
# One count in the index of each deployment, none of which is read twice.
COUNTS = """select uri, (select count(*) from feedback_prediction where deployment_id = feedback_deployment.id)
from {given} cross join feedback_deployment where uri = g.a"""

_RIVALS = """select prediction_id, subject, made_at, uri
from {given} cross join feedback_prediction prediction, feedback_deployment deployment
where subject = g.a and deployment_id = deployment.id and made_at <= {p} and seq <= {p}"""
ANY = 2**63 - 1
"""As late, or as far in the log, as there is."""


class SqlPredictions(PredictionLog):
    """The log of predictions in SQL."""

    def __init__(self, store: Store, intake: Intake) -> None:
        self._store = store
        self._intake = intake

    def append(self, rows: Sequence[Prediction]) -> Receipt:
        """Keep all rows durably in one transaction, or none."""
        return self._intake.keep(rows)

    def find(self, prediction_id: str) -> Prediction | None:
        """Return the prediction, or None."""
        with self._store.read() as connection:
            found = connection.execute(_FOUND, {"prediction_id": prediction_id}).one_or_none()
        return None if found is None else Prediction(**found._asdict())

    def made_by(self, prediction_id: str) -> str | None:
        """Return the URI of the deployment that made a prediction, or None."""
        with self._store.read() as connection:
            found: str | None = connection.execute(_MADE_BY, {"prediction_id": prediction_id}).scalar()
        return found

    def rivals(self, subject: str) -> tuple[Rival, ...]:
        """Return every prediction about a subject."""
        with self._store.read() as connection:
            return tuple(fetch_rivals(connection, [subject]))

    def count(self, deployments: Sequence[str]) -> Mapping[str, int]:
        """Return the number of predictions of each of these deployments."""
        with self._store.read() as connection:
            return dict.fromkeys(deployments, 0) | {
                uri: number for uri, number in read(connection, COUNTS, deployments, TEXT)
            }


def fetch_rivals(
    connection: sa.Connection, subjects: Sequence[str], made_by: int = ANY, upto: int = ANY
) -> Sequence[Any]:
    """Return the predictions about subjects that were made by a moment (microseconds), at or below a mark."""
    return read(connection, _RIVALS, subjects, TEXT, more=(made_by, upto))


def record_predictions(
    connection: sa.Connection, rows: Sequence[PlainPrediction], said: Callable[[int], Recordable]
) -> Outcome:
    """Add predictions in the caller's transaction; see `Appender.append`."""
    if not rows:
        return Outcome()
    ids = deployment_ids(connection, {row.deployment for row in rows})
    return PREDICTIONS.append(connection, [(row[0], ids[row[1]], *row[2:]) for row in rows], said)
