"""Which outcomes a token may report."""

import sqlalchemy as sa
from alembic import op

revision = "lineage_0008"
down_revision = "lineage_0007"

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Add the column: JSON with `kinds` and `sources`, or nothing for no bound; rows of before keep their digest."""
    op.add_column("lineage_token", sa.Column("reports", TEXT))
