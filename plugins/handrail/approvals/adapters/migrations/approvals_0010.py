"""Keep which rules were in force, and who let them."""

import sqlalchemy as sa
from alembic import op

revision = "approvals_0010"
down_revision = "approvals_0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table of what was in force, proposed and decided."""
    op.create_table(
        "approvals_rule_record",
        sa.Column("number", sa.Integer, sa.Identity(), primary_key=True),
        sa.Column("stream", sa.String(40), nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.UniqueConstraint("stream", "position"),
    )
