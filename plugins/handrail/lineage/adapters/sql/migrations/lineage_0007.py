"""What tokens allow: those of before have no scope and keep what they could."""

import sqlalchemy as sa
from alembic import op

revision = "lineage_0007"
down_revision = "lineage_0006"

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Add the columns; each holds a JSON list, or nothing for everything."""
    op.add_column("lineage_token", sa.Column("may", TEXT))
    op.add_column("lineage_token", sa.Column("namespaces", TEXT))
