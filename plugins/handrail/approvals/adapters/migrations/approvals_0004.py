"""Find permits by the alias that they were given for."""

import base64
import json

import sqlalchemy as sa
from alembic import op

from handrail.manifest import digest_of

revision = "approvals_0004"
down_revision = "approvals_0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Give each permit the key of its server, model and alias."""
    permits = sa.table("approvals_permit", sa.column("number"), sa.column("envelope"), sa.column("alias_key"))
    with op.batch_alter_table("approvals_permit") as table:
        table.add_column(sa.Column("alias_key", sa.String(80), nullable=True))
    connection = op.get_bind()
    for number, envelope in connection.execute(sa.select(permits.c.number, permits.c.envelope)).all():
        stated = json.loads(base64.b64decode(json.loads(envelope)["payload"]))["predicate"]
        key = digest_of([stated["server"], stated["model"], stated["alias"]])
        connection.execute(permits.update().where(permits.c.number == number).values(alias_key=key))
    with op.batch_alter_table("approvals_permit") as table:
        table.alter_column("alias_key", existing_type=sa.String(80), nullable=False)
        table.create_index("ix_approvals_permit_alias_key", ["alias_key"])
