"""Attributes of any length on PostgreSQL, whose index entries end at some 2,700 bytes: the key has the value's hash."""

from alembic import op

revision = "lineage_0005"
down_revision = "lineage_0004"


def upgrade() -> None:
    """Make the key anew, on PostgreSQL alone."""
    if op.get_bind().dialect.name != "postgresql":
        return
    op.drop_constraint("lineage_attribute_pkey", "lineage_attribute", type_="primary")
    op.execute("create unique index lineage_attribute_key on lineage_attribute (node, name, md5(value))")
