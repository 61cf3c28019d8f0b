"""Predictions in SQL."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import sqlalchemy as sa

from handrail.feedback.adapters.sql_append import Appender, Row
from handrail.feedback.adapters.sql_deployments import deployment_ids
from handrail.feedback.adapters.sql_tables import deployment, prediction, to_microseconds
from handrail.feedback.domain.values import Prediction, Receipt
from handrail.feedback.ports import PredictionLog
from handrail.storage import Store

PREDICTIONS = Appender(prediction, what="prediction")
MOST_NAMES = 500
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
_NUMBER = sa.select(sa.func.count()).where(prediction.c.deployment_id == deployment.c.id).scalar_subquery()
_COUNTS = sa.select(deployment.c.uri, _NUMBER.label("number"))


class SqlPredictions(PredictionLog):
    """The log of predictions in SQL."""

    def __init__(self, store: Store) -> None:
        """Keep predictions in `store`."""
        self._store = store

    def append(self, rows: Sequence[Prediction]) -> Receipt:
        """Keep all rows durably in one transaction, or none."""
        with self._store.write() as connection:
            ids = deployment_ids(connection, {row.deployment for row in rows})
            return PREDICTIONS.append(connection, rows, [_row(row, ids) for row in rows])

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

    def count(self, deployments: Sequence[str]) -> Mapping[str, int]:
        """Return the number of predictions of each of these deployments."""
        counts = dict.fromkeys(deployments, 0)
        with self._store.read() as connection:
            for start in range(0, len(deployments), MOST_NAMES):
                named = deployment.c.uri.in_(deployments[start : start + MOST_NAMES])
                counts |= {row.uri: row.number for row in connection.execute(_COUNTS.where(named))}
        return counts


def _row(row: Prediction, deployments: Mapping[str, int]) -> Row:
    return (
        row.prediction_id,
        deployments[row.deployment],
        row.subject,
        to_microseconds(row.made_at),
        float(row.score),
        int(row.label),
        row.features_digest,
        row.feature_service,
        None if row.latency_ms is None else float(row.latency_ms),
        row.body_digest(),
    )
