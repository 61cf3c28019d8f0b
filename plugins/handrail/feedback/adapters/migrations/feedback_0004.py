"""Quarantine takes whatever could not be recorded, with the reason; and what a person made of it."""

from __future__ import annotations

import json
from hashlib import sha256

import sqlalchemy as sa
from alembic import op

revision = "feedback_0004"
down_revision = "feedback_0003"
branch_labels = None
depends_on = None

SEQUENCE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
CONFLICT = "Its id came before with another body, which stands."


def upgrade() -> None:
    """Give the table its wider name and columns; what is there are conflicts."""
    op.rename_table("feedback_conflict", "feedback_quarantine")
    for name, said in (("reason", "conflict"), ("field", ""), ("problem", CONFLICT), ("origin", "")):
        op.add_column("feedback_quarantine", sa.Column(name, sa.Text, nullable=False, server_default=said))
    op.create_table(
        "feedback_quarantine_step",
        sa.Column("seq", SEQUENCE, primary_key=True),
        sa.Column("number", SEQUENCE, sa.ForeignKey("feedback_quarantine.seq"), nullable=False, index=True),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("by", sa.Text, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("note", sa.Text, nullable=False),
        sa.Column("content", sa.Text),
        sa.Column("row_digest", sa.Text, nullable=False),
    )
    op.add_column("feedback_quarantine", sa.Column("row_digest", sa.Text, nullable=False, server_default=""))
    _digest_rows(op.get_bind())


def _digest_rows(connection: sa.Connection) -> None:
    """Give the rows that are there the digest that new ones get."""
    names = ("what", "identifier", "content", "quarantined_at", "reason", "field", "problem", "origin")
    table = sa.table("feedback_quarantine", *map(sa.column, ("seq", *names, "row_digest")))
    for row in connection.execute(sa.select(table)).all():
        text = json.dumps([getattr(row, name) for name in names])
        digest = sha256(text.encode()).hexdigest()
        connection.execute(sa.update(table).where(table.c.seq == row.seq).values(row_digest=digest))
