"""Nonces for statements of pipelines, and the request that each served."""

import sqlalchemy as sa
from alembic import op

revision = "approvals_0011"
down_revision = "approvals_0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "approvals_nonce",
        sa.Column("nonce", sa.String(64), primary_key=True),
        sa.Column("purpose", sa.String(80), nullable=False),
        sa.Column("account", sa.String(256), nullable=False, index=True),
        sa.Column("expires", sa.String(40), nullable=False),
    )
    op.create_table(
        "approvals_nonce_use",
        sa.Column("nonce", sa.String(64), sa.ForeignKey("approvals_nonce.nonce"), primary_key=True),
        sa.Column("request_id", sa.String(40), nullable=False),
    )
