"""Say for whom each thing is held, so that what is held for one can be released while another still needs it."""

import sqlalchemy as sa
from alembic import op

revision = "approvals_0009"
down_revision = "approvals_0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table of releases, and add the holder to holds; those from before have none until the next start."""
    op.create_table(
        "approvals_release",
        sa.Column("holder", sa.String(80), primary_key=True),
        sa.Column("at", sa.String(40), nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
    )
    # The holder belongs to the key, which SQLite cannot change in place.
    op.create_table(
        "approvals_hold_for",
        sa.Column("kind", sa.String(16), primary_key=True),
        sa.Column("thing", sa.String(1024), primary_key=True),
        sa.Column("holder", sa.String(80), primary_key=True),
        sa.Column("label", sa.Text, nullable=False),
    )
    op.execute(
        "insert into approvals_hold_for (kind, thing, holder, label) select kind, thing, '', label from approvals_hold"
    )
    op.drop_table("approvals_hold")
    op.rename_table("approvals_hold_for", "approvals_hold")
    op.create_index("ix_approvals_hold_holder", "approvals_hold", ["holder"])
    if op.get_bind().dialect.name == "postgresql":
        op.create_index("ix_approvals_hold_bytes", "approvals_hold", ["kind", sa.text('thing COLLATE "C"')])
