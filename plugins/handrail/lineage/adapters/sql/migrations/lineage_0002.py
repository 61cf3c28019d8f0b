"""OpenLineage events, the runs that they are about, what is to be forwarded, and who may send."""

import sqlalchemy as sa
from alembic import op

revision = "lineage_0002"
down_revision = "lineage_0001"

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "lineage_event",
        sa.Column("event_id", TEXT, primary_key=True),
        sa.Column("event_time", TEXT, nullable=False),
        sa.Column("producer", TEXT, nullable=False),
        sa.Column("body", TEXT, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "lineage_event_sender",
        sa.Column("event_id", TEXT, primary_key=True),
        sa.Column("sender", TEXT, primary_key=True),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "lineage_run",
        sa.Column("run_id", TEXT, primary_key=True),
        sa.Column("job", TEXT, nullable=False),
        sa.Column("state_rank", sa.SmallInteger, nullable=False),
        sa.Column("started", TEXT),
        sa.Column("ended", TEXT),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "lineage_outbox",
        sa.Column("sink", TEXT, primary_key=True),
        sa.Column("event_time", TEXT, primary_key=True),
        sa.Column("state_rank", sa.SmallInteger, primary_key=True),
        sa.Column("event_id", TEXT, primary_key=True),
        sa.Column("stream", TEXT, nullable=False),
        sa.Column("refused", TEXT),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "lineage_token",
        sa.Column("name", TEXT, primary_key=True),
        sa.Column("holder", TEXT, nullable=False),
        sa.Column("digest", TEXT, nullable=False),
        sa.Column("made_at", TEXT, nullable=False),
        sqlite_with_rowid=False,
    )
