"""Findings about models, and what happened to them."""

import sqlalchemy as sa
from alembic import op

revision = "approvals_0008"
down_revision = "approvals_0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "approvals_finding",
        sa.Column("model_key", sa.String(40), primary_key=True),
        sa.Column("position", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("model", sa.String(256), nullable=False),
        sa.Column("body", sa.Text, nullable=False),
    )
