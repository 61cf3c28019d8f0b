"""Which key subjects are named with: a log that has pseudonyms is used with that key and no other."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "feedback_0007"
down_revision = "feedback_0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table."""
    op.create_table("feedback_subject_key", sa.Column("key_id", sa.Text, primary_key=True))
