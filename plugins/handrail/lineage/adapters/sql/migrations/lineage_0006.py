"""Runs that failed or were aborted are found at once: an impact names those among what it reached."""

import sqlalchemy as sa
from alembic import op

revision = "lineage_0006"
down_revision = "lineage_0005"


def upgrade() -> None:
    """Make the index."""
    failed = sa.text("state_rank in (2, 3)")
    op.create_index("lineage_run_failed", "lineage_run", ["run_id"], sqlite_where=failed, postgresql_where=failed)
