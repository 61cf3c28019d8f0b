"""The health of services: one row a minute, process, slot and deployment."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "delivery_health_0001"
down_revision = None
branch_labels = None
depends_on = None

_COUNTS = ("asked", "items", "refused", "busy", "unavailable", "failed", "slow", "degraded", "dropped", "micros")
BUCKETS = 14


def upgrade() -> None:
    """Make the table."""
    counted = (*_COUNTS, *(f"b{place}" for place in range(BUCKETS)))
    op.create_table(
        "delivery_health",
        sa.Column("minute", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("pointer", sa.Text, primary_key=True),
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("deployment", sa.Text, primary_key=True),
        sa.Column("process", sa.Text, primary_key=True),
        *(sa.Column(name, sa.BigInteger, nullable=False) for name in counted),
    )
