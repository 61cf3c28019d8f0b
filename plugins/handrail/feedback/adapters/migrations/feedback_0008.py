"""Erasures: who took a subject out of which rows, and what became of the snapshots that held them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "feedback_0008"
down_revision = "feedback_0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "feedback_erasure",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("by", sa.Text, nullable=False),
        sa.Column("why", sa.Text, nullable=False),
        *(sa.Column(name, sa.BigInteger, nullable=False) for name in ("predictions", "feedback", "quarantined")),
        sa.Column("rows", sa.Text, nullable=False),
        sa.Column("mac", sa.Text, nullable=False),
    )
    op.create_table(
        "feedback_erased",
        sa.Column("what", sa.Text, primary_key=True),
        sa.Column("number", sa.BigInteger, primary_key=True),
        sa.Column("erasure", sa.Text, nullable=False, index=True),
    )
    op.create_table(
        "feedback_snapshot_replaced",
        sa.Column("digest", sa.Text, primary_key=True),
        sa.Column("successor", sa.Text, nullable=False),
        sa.Column("erasure", sa.Text, nullable=False),
        sa.Column("rows", sa.BigInteger, nullable=False),
        sa.Column("mac", sa.Text, nullable=False),
    )
    op.create_table(
        "feedback_export",
        sa.Column("path", sa.Text, primary_key=True),
        sa.Column("snapshot", sa.Text, nullable=False),
        sa.Column("sha256", sa.Text, nullable=False),
    )
