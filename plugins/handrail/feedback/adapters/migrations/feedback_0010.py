"""Which features a prediction was made without."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "feedback_0010"
down_revision = "feedback_0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; what is there names none."""
    op.add_column("feedback_prediction", sa.Column("degraded", sa.Text, nullable=False, server_default=""))
