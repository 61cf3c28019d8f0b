"""One row a trigger that trained, or tried to; and the one lease on training."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "turns_0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "delivery_turn",
        sa.Column("trigger", sa.Text, primary_key=True),
        sa.Column("automatic", sa.Boolean, nullable=False),
        sa.Column("asked", sa.Text, nullable=False),
        sa.Column("began_at", sa.Text, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("ended_at", sa.Text),
        sa.Column("outcome", sa.Text),
        sa.Column("problem", sa.Text),
    )
    op.create_table(
        "delivery_turn_lease",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("holder", sa.Text, nullable=False),
        sa.Column("place", sa.Text, nullable=False),
        sa.Column("trigger", sa.Text, nullable=False),
        sa.Column("until", sa.Float, nullable=False),
    )
