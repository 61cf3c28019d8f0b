"""Keep who confirmed a snapshot of labelled rows, and for which model each was handed in."""

import sqlalchemy as sa
from alembic import op

revision = "approvals_0012"
down_revision = "approvals_0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table, and add the model to snapshots; of those from before it is not known."""
    op.create_table(
        "approvals_snapshot_confirmation",
        sa.Column("digest", sa.String(80), primary_key=True),
        sa.Column("position", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("model", sa.String(256), nullable=False),
        sa.Column("account", sa.String(256), nullable=False),
        sa.Column("person", sa.Text, nullable=False),
        sa.Column("confirmed_at", sa.String(40), nullable=False),
        sa.UniqueConstraint("digest", "model", "account"),
    )
    # The model belongs to the key, which SQLite cannot change in place.
    op.create_table(
        "approvals_snapshot_for",
        sa.Column("digest", sa.String(80), primary_key=True),
        sa.Column("account", sa.String(256), primary_key=True),
        sa.Column("model", sa.String(256), primary_key=True),
        sa.Column("handed_in", sa.String(40), nullable=False),
    )
    op.execute(
        "insert into approvals_snapshot_for (digest, account, model, handed_in) "
        "select digest, account, '', handed_in from approvals_snapshot"
    )
    op.drop_table("approvals_snapshot")
    op.rename_table("approvals_snapshot_for", "approvals_snapshot")
