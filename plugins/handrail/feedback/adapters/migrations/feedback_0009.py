"""Texts that people wrote, each sealed with a key of its subject."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "feedback_0009"
down_revision = "feedback_0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "feedback_sealed_text",
        sa.Column("commitment", sa.Text, primary_key=True),
        sa.Column("key_name", sa.Text, nullable=False, index=True),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
    )
