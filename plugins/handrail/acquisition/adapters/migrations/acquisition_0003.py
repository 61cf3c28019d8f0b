"""When each version of a row came: what its number says, as a moment; and since when what is online is known."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "acquisition_0003"
down_revision = "acquisition_0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column, where what came before is taken to have come when it became known, and the table."""
    op.add_column("acquisition_row", sa.Column("came_at", sa.BigInteger))
    op.execute("update acquisition_row set came_at = known_at")
    op.create_table(
        "acquisition_online",
        sa.Column("place", sa.Text, primary_key=True),
        sa.Column("thing", sa.Text, primary_key=True),
        sa.Column("known_at", sa.BigInteger, nullable=False),
        sa.Column("came_at", sa.BigInteger, nullable=False),
    )
