"""The edges that came after a snapshot in memory was taken, so that it need not be taken again for each."""

import sqlalchemy as sa
from alembic import op

revision = "lineage_0003"
down_revision = "lineage_0002"


def upgrade() -> None:
    """Make the tables; edges of before are in every snapshot."""
    op.create_table(
        "lineage_epoch",
        sa.Column("id", sa.SmallInteger, primary_key=True, autoincrement=False),
        sa.Column("epoch", sa.BigInteger, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "lineage_recent_edge",
        sa.Column("epoch", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("effect", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("cause", sa.BigInteger, primary_key=True, autoincrement=False),
        sqlite_with_rowid=False,
    )
