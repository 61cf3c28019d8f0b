"""Find requests by the account that asked, and paths below a folder, by an index."""

import json

import sqlalchemy as sa
from alembic import op

revision = "approvals_0007"
down_revision = "approvals_0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Take the requester out of each request, and index it; order paths by byte where the database orders otherwise."""
    op.add_column("approvals_request", sa.Column("requester", sa.String(256), nullable=False, server_default=""))
    request = sa.table(
        "approvals_request", sa.column("number", sa.Integer), sa.column("body", sa.Text), sa.column("requester")
    )
    connection = op.get_bind()
    for number in connection.execute(sa.select(request.c.number)).scalars().all():
        body = connection.execute(sa.select(request.c.body).where(request.c.number == number)).scalar_one()
        mine = request.update().where(request.c.number == number)
        connection.execute(mine.values(requester=json.loads(body)["requester"]))
    op.create_index("ix_approvals_request_requester", "approvals_request", ["requester"])
    if connection.dialect.name == "postgresql":
        for table in ("approvals_hold", "approvals_maker"):
            op.create_index(f"ix_{table}_bytes", table, ["kind", sa.text('thing COLLATE "C"')])
