"""Fewer pages for each event: only statements with a digest are indexed by it, and bodies lie outside of the key."""

import sqlalchemy as sa
from alembic import op

revision = "lineage_0004"
down_revision = "lineage_0003"

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Make the indices and, on SQLite, the table of events anew, with all that it holds."""
    for end in ("effect", "cause"):
        op.drop_index(f"lineage_statement_{end}", "lineage_statement")
        known = sa.text(f"{end}_digest <> ''")
        op.create_index(
            f"lineage_statement_{end}",
            "lineage_statement",
            [end, f"{end}_digest"],
            sqlite_where=known,
            postgresql_where=known,
        )
    if op.get_bind().dialect.name == "sqlite":
        _move_events()


def _move_events() -> None:
    """Keep bodies beside the key instead of in it: SQLite cuts long keys up into pages of their own."""
    op.create_table(
        "lineage_event_moved",
        sa.Column("event_id", TEXT, primary_key=True),
        sa.Column("event_time", TEXT, nullable=False),
        sa.Column("producer", TEXT, nullable=False),
        sa.Column("body", TEXT, nullable=False),
    )
    op.execute("insert into lineage_event_moved select event_id, event_time, producer, body from lineage_event")
    op.drop_table("lineage_event")
    op.rename_table("lineage_event_moved", "lineage_event")
