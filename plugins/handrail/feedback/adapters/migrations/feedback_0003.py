"""Outcomes by business key, items and units; what a subject was assigned to, and how likely that was."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "feedback_0003"
down_revision = "feedback_0002"
branch_labels = None
depends_on = None

TEXTS = {"feedback_prediction": ("variant",), "feedback_event": ("subject", "service", "item", "unit")}
NUMBERS = {"feedback_prediction": ("propensity", "sampled")}
MOMENTS = {"feedback_event": ("since", "until")}


def upgrade() -> None:
    """Add the columns, and the indexes that join by subject; what is there names no business key."""
    for table, names in TEXTS.items():
        for name in names:
            op.add_column(table, sa.Column(name, sa.Text, nullable=False, server_default=""))
    for table, names in NUMBERS.items():
        for name in names:
            op.add_column(table, sa.Column(name, sa.Double))
    for table, names in MOMENTS.items():
        for name in names:
            op.add_column(table, sa.Column(name, sa.BigInteger))
    op.create_index("feedback_prediction_subject", "feedback_prediction", ["subject"])
    named = sa.text("subject <> ''")
    op.create_index("feedback_event_subject", "feedback_event", ["subject"], sqlite_where=named, postgresql_where=named)
