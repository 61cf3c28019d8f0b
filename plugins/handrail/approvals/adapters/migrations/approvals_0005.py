"""Add who first uploaded which bytes, and which run was once a child of which."""

import sqlalchemy as sa
from alembic import op

revision = "approvals_0005"
down_revision = "approvals_0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make first uploads and parents of runs."""
    op.create_table(
        "approvals_upload",
        sa.Column("sha256", sa.String(64), primary_key=True),
        sa.Column("account", sa.String(256), nullable=False),
    )
    op.create_table(
        "approvals_run_parent",
        sa.Column("run_id", sa.String(64), primary_key=True),
        sa.Column("parent", sa.String(64), primary_key=True, index=True),
    )
