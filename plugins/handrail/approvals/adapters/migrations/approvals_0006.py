"""Make the table of seals; rows from before are sealed at the gate's next start."""

import sqlalchemy as sa
from alembic import op

revision = "approvals_0006"
down_revision = "approvals_0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make seals."""
    op.create_table(
        "approvals_seal",
        sa.Column("digest", sa.String(64), primary_key=True),
        sa.Column("signature", sa.String(128), nullable=False),
    )
