"""Deployments in SQL."""

from __future__ import annotations

from dataclasses import asdict

import sqlalchemy as sa

from handrail.errors import Conflict
from handrail.feedback.adapters.sql_tables import deployment
from handrail.feedback.domain.values import DeploymentRecord
from handrail.feedback.ports import DeploymentBook
from handrail.storage import Store
from handrail.storage.bulk import insert_new

FACTS = ("uri", "tree_digest", "model_version_uri", "bento_uri", "started_at")


def deployment_ids(connection: sa.Connection, uris: set[str]) -> dict[str, int]:
    """Return the row id of each deployment, adding those not known yet without facts."""
    wanted = [{"uri": uri} for uri in sorted(uris)]
    connection.execute(insert_new(connection, deployment), wanted)
    rows = connection.execute(sa.select(deployment.c.uri, deployment.c.id).where(deployment.c.uri.in_(uris)))
    return {row.uri: row.id for row in rows}


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
