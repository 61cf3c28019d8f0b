"""Make the tables of rejected trees, of snapshots of labelled rows, and of the looks at them."""

import json

import sqlalchemy as sa
from alembic import op

revision = "approvals_0003"
down_revision = "approvals_0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables, and find the rejections that are stored already."""
    rejections = op.create_table(
        "approvals_rejection",
        sa.Column("request_id", sa.String(40), sa.ForeignKey("approvals_request.request_id"), primary_key=True),
        sa.Column("position", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("tree_digest", sa.String(80), nullable=False, index=True),
        sa.Column("person", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("at", sa.String(40), nullable=False),
    )
    op.create_table(
        "approvals_snapshot",
        sa.Column("digest", sa.String(80), primary_key=True),
        sa.Column("account", sa.String(256), primary_key=True),
        sa.Column("handed_in", sa.String(40), nullable=False),
    )
    op.create_table(
        "approvals_look",
        sa.Column("model", sa.String(256), primary_key=True),
        sa.Column("snapshot", sa.String(80), primary_key=True),
        sa.Column("place", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("tree_digest", sa.String(80), nullable=False),
        sa.UniqueConstraint("model", "snapshot", "tree_digest"),
    )
    if rows := _stored_rejections(op.get_bind()):
        op.bulk_insert(rejections, rows)


def _stored_rejections(connection: sa.Connection) -> list[dict[str, object]]:
    decided = sa.text(
        "select e.request_id, e.position, e.body, r.body as request from approvals_event e "
        "join approvals_request r on r.request_id = e.request_id where e.kind = 'decided'"
    )
    found = []
    for row in connection.execute(decided):
        body = json.loads(row.body)
        if body["choice"] == "reject":
            found.append(
                {
                    "request_id": row.request_id,
                    "position": row.position,
                    "tree_digest": json.loads(row.request)["subject"]["tree_digest"],
                    "person": body["person"],
                    "reason": body["reason"],
                    "at": body["at"],
                }
            )
    return found
