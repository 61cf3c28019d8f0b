"""Keys of callers: one row each, with the hash of its text."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "delivery_keys_0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "delivery_key",
        sa.Column("key_id", sa.Text, primary_key=True),
        sa.Column("pointer", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("digest", sa.Text, nullable=False),
        sa.Column("rights", sa.Text, nullable=False),
        sa.Column("made_at", sa.Text, nullable=False),
        sa.Column("made_by", sa.Text, nullable=False),
        sa.Column("expires_at", sa.Text),
        sa.Column("revoked_at", sa.Text),
        sa.Column("revoked_by", sa.Text),
    )
    op.create_index("delivery_key_pointer", "delivery_key", ["pointer"])
