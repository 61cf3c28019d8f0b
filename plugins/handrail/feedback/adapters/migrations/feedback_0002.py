"""Earlier arrivals of known events; snapshots say what their digest covers, and where the arrivals stood."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "feedback_0002"
down_revision = "feedback_0001"
branch_labels = None
depends_on = None

SEQUENCE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make the table and the columns; snapshots of before cover ids and know no earlier arrivals."""
    op.create_table(
        "feedback_arrival",
        sa.Column("seq", SEQUENCE, primary_key=True),
        sa.Column("event_id", sa.Text, nullable=False),
        sa.Column("received_at", sa.BigInteger, nullable=False),
        sa.UniqueConstraint("event_id", "received_at"),
    )
    op.add_column("feedback_snapshot", sa.Column("format", sa.Integer, nullable=False, server_default="1"))
    op.add_column("feedback_snapshot", sa.Column("mark_arrivals", sa.BigInteger, nullable=False, server_default="0"))
