"""Make the tables of the transparency log; what was stored before is logged at the gate's next start."""

import sqlalchemy as sa
from alembic import op

revision = "approvals_0002"
down_revision = "approvals_0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make leaves, and the head of the log, which is one row."""
    op.create_table(
        "approvals_leaf",
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("request_id", sa.String(40), index=True),
        sa.Column("position", sa.Integer),
        sa.Column("leaf", sa.Text, nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.Column("proof", sa.Text, nullable=False),
        sa.Column("signature", sa.String(128), nullable=False),
    )
    head = op.create_table(
        "approvals_head",
        sa.Column("name", sa.String(16), primary_key=True),
        sa.Column("size", sa.Integer, nullable=False),
        sa.Column("peaks", sa.Text, nullable=False),
        sa.Column("signature", sa.String(128), nullable=False),
    )
    op.bulk_insert(head, [{"name": "log", "size": 0, "peaks": "", "signature": ""}])
