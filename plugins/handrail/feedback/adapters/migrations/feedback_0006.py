"""What was reported of one kind is found without a walk over all feedback, as amounts of money are.

The index is of an expression that one question alone has. SQLite, which keeps no statistics here, would take a plain
one for questions that name a prediction too, and walk through all of a kind for each prediction.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "feedback_0006"
down_revision = "feedback_0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the index."""
    op.create_index("feedback_event_of_kind", "feedback_event", [sa.text("(kind || '')")])
