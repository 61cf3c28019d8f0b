"""Make the tables of the approval gates."""

import sqlalchemy as sa
from alembic import op

revision = "approvals_0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make requests, events, moves under way, permits, makers and holds."""
    op.create_table(
        "approvals_request",
        sa.Column("number", sa.Integer, sa.Identity(), primary_key=True),
        sa.Column("request_id", sa.String(40), nullable=False, unique=True),
        sa.Column("alias", sa.String(256), nullable=False, index=True),
        sa.Column("subject_key", sa.String(80), nullable=False, index=True),
        sa.Column("body", sa.Text, nullable=False),
    )
    request_id = "approvals_request.request_id"
    op.create_table(
        "approvals_event",
        sa.Column("request_id", sa.String(40), sa.ForeignKey(request_id), primary_key=True),
        sa.Column("position", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("body", sa.Text, nullable=False),
    )
    op.create_table(
        "approvals_moving",
        sa.Column("alias_key", sa.String(80), primary_key=True),
        sa.Column("request_id", sa.String(40), sa.ForeignKey(request_id), nullable=False),
    )
    op.create_table(
        "approvals_permit",
        sa.Column("number", sa.Integer, sa.Identity(), primary_key=True),
        sa.Column("request_id", sa.String(40), sa.ForeignKey(request_id), nullable=False, unique=True),
        sa.Column("tree_digest", sa.String(80), nullable=False, index=True),
        sa.Column("envelope", sa.Text, nullable=False),
    )
    op.create_table(
        "approvals_maker",
        sa.Column("kind", sa.String(16), primary_key=True),
        sa.Column("thing", sa.String(1024), primary_key=True),
        sa.Column("account", sa.String(256), primary_key=True),
    )
    op.create_table(
        "approvals_hold",
        sa.Column("kind", sa.String(16), primary_key=True),
        sa.Column("thing", sa.String(1024), primary_key=True),
        sa.Column("label", sa.Text, nullable=False),
    )
