"""What columns came from; and runs that failed are found at once, because an impact names those that it reached."""

import sqlalchemy as sa
from alembic import op

revision = "lineage_0006"
down_revision = "lineage_0005"

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Make the table and the indices."""
    op.create_table(
        "lineage_column",
        sa.Column("id", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("effect", sa.BigInteger, nullable=False),
        sa.Column("column", TEXT, nullable=False),
        sa.Column("cause", sa.BigInteger, nullable=False),
        sa.Column("source", TEXT, nullable=False),
        sa.Column("how", TEXT, nullable=False),
        sa.Column("asserted_by", TEXT, nullable=False),
    )
    op.create_index("lineage_column_effect", "lineage_column", ["effect"])
    op.create_index("lineage_column_cause", "lineage_column", ["cause"])
    failed = sa.text("state_rank in (2, 3)")
    op.create_index("lineage_run_failed", "lineage_run", ["run_id"], sqlite_where=failed, postgresql_where=failed)
