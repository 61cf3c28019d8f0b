"""Sources and how far they were read, every version of every row, what was set aside, and changed columns."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "acquisition_0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "acquisition_source",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("agreed", sa.Text, nullable=False),
        sa.Column("position", sa.Text),
        sa.Column("newest", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "acquisition_row",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("digest", sa.Text, nullable=False),
        sa.Column("known_at", sa.BigInteger, nullable=False),
        sa.Column("place", sa.Text, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
    )
    op.create_index("acquisition_row_key", "acquisition_row", ["name", "key", "known_at", "number"])
    op.create_index(
        "acquisition_row_place",
        "acquisition_row",
        ["name", "place"],
        sqlite_where=sa.text("place <> ''"),
        postgresql_where=sa.text("place <> ''"),
    )
    op.create_table(
        "acquisition_aside",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("digest", sa.Text, primary_key=True),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("place", sa.Text, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
    )
    op.create_table(
        "acquisition_change",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("kind", sa.Text, primary_key=True),
        sa.Column("column", sa.Text, primary_key=True),
        sa.Column("detail", sa.Text, primary_key=True),
        sa.Column("at", sa.BigInteger, nullable=False),
    )
