"""The tables of feedback: deployments, predictions, events, conflicts, snapshots. Moments are microseconds UTC."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "feedback_0001"
down_revision = None
branch_labels = None
depends_on = None

SEQUENCE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "feedback_deployment",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("uri", sa.Text, nullable=False, unique=True),
        sa.Column("tree_digest", sa.Text),
        sa.Column("model_version_uri", sa.Text),
        sa.Column("bento_uri", sa.Text),
        sa.Column("started_at", sa.BigInteger),
    )
    _create_prediction()
    _create_event()
    op.create_table(
        "feedback_conflict",
        sa.Column("seq", SEQUENCE, primary_key=True),
        sa.Column("what", sa.Text, nullable=False),
        sa.Column("identifier", sa.Text, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.Column("content", sa.Text, nullable=False),
        sa.Column("quarantined_at", sa.BigInteger, nullable=False),
        sa.UniqueConstraint("what", "identifier", "body"),
    )
    op.create_table(
        "feedback_snapshot",
        sa.Column("digest", sa.Text, primary_key=True),
        sa.Column("scope", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("predictions", sa.BigInteger, nullable=False),
        sa.Column("events", sa.BigInteger, nullable=False),
        sa.Column("mark_predictions", sa.BigInteger, nullable=False),
        sa.Column("mark_events", sa.BigInteger, nullable=False),
    )


def _create_prediction() -> None:
    op.create_table(
        "feedback_prediction",
        sa.Column("seq", SEQUENCE, primary_key=True),
        sa.Column("prediction_id", sa.Text, nullable=False, unique=True),
        sa.Column("deployment_id", sa.Integer, sa.ForeignKey("feedback_deployment.id"), nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("made_at", sa.BigInteger, nullable=False),
        sa.Column("score", sa.Double, nullable=False),
        sa.Column("label", sa.Integer, nullable=False),
        sa.Column("features_digest", sa.Text, nullable=False),
        sa.Column("feature_service", sa.Text, nullable=False),
        sa.Column("latency_ms", sa.Double),
        sa.Column("body", sa.LargeBinary, nullable=False),
    )
    op.create_index("feedback_prediction_made_at", "feedback_prediction", ["made_at"])
    op.create_index("feedback_prediction_deployment", "feedback_prediction", ["deployment_id"])


def _create_event() -> None:
    op.create_table(
        "feedback_event",
        sa.Column("seq", SEQUENCE, primary_key=True),
        sa.Column("event_id", sa.Text, nullable=False, unique=True),
        sa.Column("prediction_id", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("occurred_at", sa.BigInteger, nullable=False),
        sa.Column("received_at", sa.BigInteger, nullable=False),
        sa.Column("value", sa.Double),
        sa.Column("body", sa.LargeBinary, nullable=False),
    )
    op.create_index("feedback_event_prediction", "feedback_event", ["prediction_id"])
