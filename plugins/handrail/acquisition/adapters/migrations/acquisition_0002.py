"""Versions of the description of a table."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "acquisition_0002"
down_revision = "acquisition_0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "acquisition_description",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("by", sa.Text, nullable=False),
        sa.Column("changes", sa.Text, nullable=False),
        sa.Column("renamed", sa.Text, nullable=False),
        sa.Column("carried", sa.Boolean, nullable=False),
    )
