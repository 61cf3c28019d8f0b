"""Which files hold a copy of which rows by columns."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "feedback_0005"
down_revision = "feedback_0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "feedback_part",
        sa.Column("path", sa.Text, primary_key=True),
        sa.Column("what", sa.Text, nullable=False),
        sa.Column("day", sa.Text, nullable=False),
        sa.Column("deployment", sa.Text, nullable=False),
        sa.Column("first", sa.BigInteger, nullable=False),
        sa.Column("last", sa.BigInteger, nullable=False),
        sa.Column("rows", sa.BigInteger, nullable=False),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.Column("sha256", sa.Text, nullable=False),
    )
