"""The tables of feedback as SQLAlchemy sees them; `migrations/` creates them."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from handrail.feedback.domain.values import EPOCH, microseconds
from handrail.storage.impossible import SIGNED

MIGRATIONS = Path(__file__).parent / "migrations"


def from_microseconds(whole: int) -> datetime:
    """Turn whole microseconds since 1970 UTC into a moment."""
    return EPOCH + timedelta(microseconds=whole)


class Moment(sa.types.TypeDecorator[datetime]):
    """An aware moment kept as whole microseconds since 1970 UTC: exact and in order on every database."""

    impl = sa.BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> int | None:  # noqa: ARG002
        """Turn a moment into microseconds."""
        return None if value is None else microseconds(value)

    def process_result_value(self, value: int | None, dialect: sa.Dialect) -> datetime | None:  # noqa: ARG002
        """Turn microseconds into a moment."""
        return None if value is None else from_microseconds(value)


metadata = sa.MetaData()

deployment = sa.Table(
    "feedback_deployment",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("uri", sa.Text),
    sa.Column("tree_digest", sa.Text),
    sa.Column("model_version_uri", sa.Text),
    sa.Column("bento_uri", sa.Text),
    sa.Column("started_at", Moment),
)
prediction = sa.Table(
    "feedback_prediction",
    metadata,
    sa.Column("seq", sa.BigInteger, primary_key=True),
    sa.Column("prediction_id", sa.Text),
    sa.Column("deployment_id", sa.Integer),
    sa.Column("subject", sa.Text),
    sa.Column("made_at", Moment),
    sa.Column("score", sa.Double),
    sa.Column("label", sa.Integer, info=SIGNED),
    sa.Column("features_digest", sa.Text),
    sa.Column("feature_service", sa.Text),
    sa.Column("latency_ms", sa.Double),
    sa.Column("variant", sa.Text),
    sa.Column("propensity", sa.Double),
    sa.Column("sampled", sa.Double),
    sa.Column("degraded", sa.Text),
    sa.Column("body", sa.LargeBinary),
)
event = sa.Table(
    "feedback_event",
    metadata,
    sa.Column("seq", sa.BigInteger, primary_key=True),
    sa.Column("event_id", sa.Text),
    sa.Column("prediction_id", sa.Text),
    sa.Column("kind", sa.Text),
    sa.Column("source", sa.Text),
    sa.Column("revision", sa.Integer, info=SIGNED),
    sa.Column("occurred_at", Moment),
    sa.Column("received_at", Moment),
    sa.Column("value", sa.Double),
    sa.Column("subject", sa.Text),
    sa.Column("service", sa.Text),
    sa.Column("since", Moment),
    sa.Column("until", Moment),
    sa.Column("item", sa.Text),
    sa.Column("unit", sa.Text),
    sa.Column("body", sa.LargeBinary),
)
arrival = sa.Table(
    "feedback_arrival",
    metadata,
    sa.Column("seq", sa.BigInteger, primary_key=True),
    sa.Column("event_id", sa.Text),
    sa.Column("received_at", Moment),
)
quarantine = sa.Table(
    "feedback_quarantine",
    metadata,
    sa.Column("seq", sa.BigInteger, primary_key=True),
    sa.Column("what", sa.Text),
    sa.Column("identifier", sa.Text),
    sa.Column("body", sa.LargeBinary),
    sa.Column("content", sa.Text),
    sa.Column("quarantined_at", Moment),
    sa.Column("reason", sa.Text),
    sa.Column("field", sa.Text),
    sa.Column("problem", sa.Text),
    sa.Column("origin", sa.Text),
    sa.Column("row_digest", sa.Text),
)
quarantine_step = sa.Table(
    "feedback_quarantine_step",
    metadata,
    sa.Column("seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), primary_key=True),
    sa.Column("number", sa.BigInteger),
    sa.Column("state", sa.Text),
    sa.Column("by", sa.Text),
    sa.Column("at", Moment),
    sa.Column("note", sa.Text),
    sa.Column("content", sa.Text),
    sa.Column("row_digest", sa.Text),
)


def with_digest(table: sa.Table, values: dict[str, Any]) -> dict[str, Any]:
    """Return a row of quarantine with the digest of what it says (sha256, hex), so that an edit is noticed."""
    left_out = ("seq", "body", "row_digest")
    said = [_plain(values[column.name]) for column in table.c if column.name not in left_out]
    return values | {"row_digest": sha256(json.dumps(said).encode()).hexdigest()}


def _plain(value: Any) -> Any:
    return microseconds(value) if isinstance(value, datetime) else value


snapshot = sa.Table(
    "feedback_snapshot",
    metadata,
    sa.Column("digest", sa.Text, primary_key=True),
    sa.Column("scope", sa.Text),
    sa.Column("kind", sa.Text),
    sa.Column("predictions", sa.BigInteger),
    sa.Column("events", sa.BigInteger),
    sa.Column("mark_predictions", sa.BigInteger),
    sa.Column("mark_events", sa.BigInteger),
    sa.Column("format", sa.Integer),
    sa.Column("mark_arrivals", sa.BigInteger),
)
part = sa.Table(
    "feedback_part",
    metadata,
    sa.Column("path", sa.Text, primary_key=True),
    sa.Column("what", sa.Text),
    sa.Column("day", sa.Text),
    sa.Column("deployment", sa.Text),
    sa.Column("first", sa.BigInteger),
    sa.Column("last", sa.BigInteger),
    sa.Column("rows", sa.BigInteger),
    sa.Column("size", sa.BigInteger),
    sa.Column("sha256", sa.Text),
)
subject_key = sa.Table("feedback_subject_key", metadata, sa.Column("key_id", sa.Text, primary_key=True))
erasure = sa.Table(
    "feedback_erasure",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("at", Moment),
    sa.Column("by", sa.Text),
    sa.Column("why", sa.Text),
    sa.Column("predictions", sa.BigInteger),
    sa.Column("feedback", sa.BigInteger),
    sa.Column("quarantined", sa.BigInteger),
    sa.Column("rows", sa.Text),
    sa.Column("mac", sa.Text),
)
erased = sa.Table(
    "feedback_erased",
    metadata,
    sa.Column("what", sa.Text, primary_key=True),
    sa.Column("number", sa.BigInteger, primary_key=True),
    sa.Column("erasure", sa.Text),
)
replaced = sa.Table(
    "feedback_snapshot_replaced",
    metadata,
    sa.Column("digest", sa.Text, primary_key=True),
    sa.Column("successor", sa.Text),
    sa.Column("erasure", sa.Text),
    sa.Column("rows", sa.BigInteger),
    sa.Column("mac", sa.Text),
)
export = sa.Table(
    "feedback_export",
    metadata,
    sa.Column("path", sa.Text, primary_key=True),
    sa.Column("snapshot", sa.Text),
    sa.Column("sha256", sa.Text),
)
sealed_text = sa.Table(
    "feedback_sealed_text",
    metadata,
    sa.Column("commitment", sa.Text, primary_key=True),
    sa.Column("key_name", sa.Text),
    sa.Column("sealed", sa.LargeBinary),
)
