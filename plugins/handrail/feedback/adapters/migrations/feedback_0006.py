"""What was reported of one kind is found without a walk over all feedback, as amounts of money are."""

from __future__ import annotations

from alembic import op

revision = "feedback_0006"
down_revision = "feedback_0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the index."""
    op.create_index("feedback_event_kind", "feedback_event", ["kind"])
