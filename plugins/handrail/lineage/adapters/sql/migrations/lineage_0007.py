"""What tokens allow, those of before everything; digests of moves and tokens, so that altered ones are found."""

import hashlib
import json
from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision = "lineage_0007"
down_revision = "lineage_0006"

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")

ROWS = {
    "lineage_pointer": ("name", "at", "target", "by"),
    "lineage_token": ("name", "holder", "digest", "made_at", "may", "namespaces"),
}


def upgrade() -> None:
    """Add the columns: a JSON list, or nothing for everything; and the sha256 of the texts of a row."""
    op.add_column("lineage_token", sa.Column("may", TEXT))
    op.add_column("lineage_token", sa.Column("namespaces", TEXT))
    for name, columns in ROWS.items():
        op.add_column(name, sa.Column("row_digest", TEXT, nullable=False, server_default=""))
        _digest_rows(sa.table(name, *map(sa.column, (*columns, "row_digest"))), columns)


def _digest_rows(table: sa.TableClause, columns: Sequence[str]) -> None:
    for row in op.get_bind().execute(sa.select(*(table.c[name] for name in columns))).all():
        same = sa.and_(*(table.c[name].is_not_distinct_from(value) for name, value in zip(columns, row, strict=True)))
        digest = hashlib.sha256(json.dumps(list(row)).encode()).hexdigest()
        op.execute(table.update().where(same).values(row_digest=digest))
