"""Deployments in SQL."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

import sqlalchemy as sa

from handrail.errors import Conflict
from handrail.feedback.adapters.sql_tables import deployment
from handrail.feedback.domain.values import DeploymentRecord
from handrail.feedback.ports import DeploymentBook
from handrail.storage import Store
from handrail.storage.bulk import TEXT, insert_new, read

_IDS = "select uri, id from {given} cross join feedback_deployment where uri = g.a"
FACTS = ("uri", "tree_digest", "model_version_uri", "bento_uri", "started_at")


def deployment_ids(connection: sa.Connection, uris: set[str]) -> dict[str, int]:
    """Return the row id of each deployment, adding those not known yet without facts."""
    named = sorted(uris)
    found = _known(connection, named)
    if missing := [{"uri": uri} for uri in named if uri not in found]:
        connection.execute(insert_new(connection, deployment), missing)
        found = _known(connection, named)
    return found


def _known(connection: sa.Connection, uris: Sequence[str]) -> dict[str, int]:
    return {uri: number for uri, number in read(connection, _IDS, uris, TEXT)}


class SqlDeployments(DeploymentBook):
    """Deployments and their facts in SQL."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def register(self, record: DeploymentRecord) -> None:
        """Keep the record; fill in a deployment known so far only by its predictions."""
        this = deployment.c.uri == record.uri
        with self._store.write() as connection:
            connection.execute(insert_new(connection, deployment), asdict(record))
            same = deployment.c.model_version_uri == record.model_version_uri
            bare = sa.and_(
                this, deployment.c.tree_digest.is_(None), sa.or_(deployment.c.model_version_uri.is_(None), same)
            )
            connection.execute(sa.update(deployment).where(bare).values(asdict(record)))
            held = connection.execute(sa.select(*(deployment.c[name] for name in FACTS)).where(this)).one()
        if DeploymentRecord(**held._asdict()) != record:
            raise Conflict("deployment", record.uri, "Give a new rollout a new deployment id.")

    def all(self) -> tuple[DeploymentRecord, ...]:
        """Return every deployment, sorted by URI."""
        with self._store.read() as connection:
            rows = connection.execute(sa.select(*(deployment.c[name] for name in FACTS)))
            records = [DeploymentRecord(**row._asdict()) for row in rows]
        return tuple(sorted(records, key=lambda record: record.uri))
