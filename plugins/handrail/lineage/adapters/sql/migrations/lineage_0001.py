"""The graph, its statements and digests, and the pointers."""

import sqlalchemy as sa
from alembic import op

revision = "lineage_0001"
down_revision = None

# URIs and moments are compared by code point, whatever the database's language.
TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Make the tables."""
    _make_graph()
    op.create_table(
        "lineage_statement",
        sa.Column("effect", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("cause", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("verb", sa.SmallInteger, primary_key=True, autoincrement=False),
        sa.Column("asserted_by", TEXT, primary_key=True),
        sa.Column("effect_digest", TEXT, primary_key=True),
        sa.Column("cause_digest", TEXT, primary_key=True),
        sa.Column("agreed", TEXT, primary_key=True),
        sqlite_with_rowid=False,
    )
    op.create_index("lineage_statement_effect", "lineage_statement", ["effect", "effect_digest"])
    op.create_index("lineage_statement_cause", "lineage_statement", ["cause", "cause_digest"])
    op.create_table(
        "lineage_digest",
        sa.Column("node", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("digest", TEXT, primary_key=True),
        sa.Column("algorithm", TEXT, nullable=False),
        sa.Column("standing", sa.Boolean, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "lineage_pointer",
        sa.Column("name", TEXT, primary_key=True),
        sa.Column("at", TEXT, primary_key=True),
        sa.Column("target", TEXT, primary_key=True),
        sa.Column("by", TEXT, primary_key=True),
        sqlite_with_rowid=False,
    )


def _make_graph() -> None:
    op.create_table(
        "lineage_node",
        sa.Column("id", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("uri", TEXT, nullable=False, unique=True),
        sa.Column("role", sa.SmallInteger, nullable=False),
        sa.Column("kind", TEXT, nullable=False),
        sa.Column("started", TEXT),
        sa.Column("ended", TEXT),
    )
    op.create_table(
        "lineage_attribute",
        sa.Column("node", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("name", TEXT, primary_key=True),
        sa.Column("value", TEXT, primary_key=True),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "lineage_edge",
        sa.Column("effect", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("cause", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("verb", sa.SmallInteger, primary_key=True, autoincrement=False),
        sa.Column("proven", sa.Boolean, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_index("lineage_edge_forward", "lineage_edge", ["cause", "effect", "verb"])
