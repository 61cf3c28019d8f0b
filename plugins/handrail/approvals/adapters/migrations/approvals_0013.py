"""Keep when predictions came to the gate."""

import sqlalchemy as sa
from alembic import op

revision = "approvals_0013"
down_revision = "approvals_0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "approvals_commitment",
        sa.Column("tree_digest", sa.String(80), primary_key=True),
        sa.Column("position", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("digest", sa.String(80), nullable=False),
        sa.Column("model", sa.String(256), nullable=False),
        sa.Column("account", sa.String(256), nullable=False),
        sa.Column("committed_at", sa.String(40), nullable=False),
        sa.UniqueConstraint("tree_digest", "digest"),
    )
