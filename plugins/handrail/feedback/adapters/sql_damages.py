"""Finds rows that were altered past Handrail: every digest that is kept is made again from the row that it is of.

No digest covers a latency, a time of arrival, a deployment's facts and when a body was quarantined.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from handrail.errors import InvalidInput, Unavailable
from handrail.feedback.adapters.sql_log_reader import SqlLogReader
from handrail.feedback.adapters.sql_snapshots import read_snapshot
from handrail.feedback.adapters.sql_tables import (
    arrival,
    deployment,
    event,
    prediction,
    quarantine,
    quarantine_step,
    snapshot,
    with_digest,
)
from handrail.feedback.domain.quarantine import Reason, digest_of
from handrail.feedback.domain.snapshots import build_snapshot
from handrail.feedback.domain.values import Damage, Feedback, Prediction
from handrail.storage import Store

FETCHED = 5_000
_ALTERED = "its digest is not that of what is stored"
_MOMENTS = ("made_at", "occurred_at", "received_at", "since", "until")
_NUMBERED = (prediction, event, arrival)
_KINDS: Mapping[str, Callable[..., Prediction | Feedback]] = {"prediction": Prediction, "feedback": Feedback}
_EARLIER = sa.select(arrival.c.event_id, arrival.c.received_at, event.c.received_at.label("known")).join_from(
    arrival, event, arrival.c.event_id == event.c.event_id, isouter=True
)


def find_damages(store: Store) -> Iterator[Damage]:
    """Yield a damage for each row that is not as it was recorded."""
    with store.read() as connection:
        yield from _bodies(connection)
        yield from _quarantined(connection)
        for row in connection.execute(_EARLIER):
            if row.known is None or row.received_at >= row.known:
                yield Damage("changed-arrival", row.event_id, "it is no earlier arrival of feedback that is stored")
        snapshots = connection.execute(sa.select(snapshot)).all()
        tops = {table: connection.execute(sa.select(sa.func.max(table.c.seq))).scalar() or 0 for table in _NUMBERED}
    for row in snapshots:
        if problem := _problem_of(row, SqlLogReader(store), tuple(tops.values())):
            yield Damage("changed-snapshot", row.digest, problem)


def _bodies(connection: Connection) -> Iterator[Damage]:
    made = sa.select(*prediction.columns, deployment.c.uri.label("deployment")).join_from(
        prediction, deployment, prediction.c.deployment_id == deployment.c.id, isouter=True
    )
    for row in connection.execute(made.execution_options(yield_per=FETCHED)):
        if not _is_whole(Prediction, {name: getattr(row, name) for name in Prediction.__slots__}, row.body):
            yield Damage("changed-prediction", row.prediction_id, _ALTERED)
    retracts = event.c.value.is_(None).label("retracts")
    for row in connection.execute(sa.select(*event.columns, retracts).execution_options(yield_per=FETCHED)):
        if not _is_whole(Feedback, {name: getattr(row, name) for name in Feedback.__slots__}, row.body):
            yield Damage("changed-feedback", row.event_id, _ALTERED)


def _quarantined(connection: Connection) -> Iterator[Damage]:
    numbers = set()
    for row in connection.execute(sa.select(quarantine)):
        numbers.add(row.seq)
        if with_digest(quarantine, row._asdict())["row_digest"] != row.row_digest:
            yield Damage("changed-quarantine", row.identifier, _ALTERED)
            continue
        if row.reason != Reason.CONFLICT:
            yield from _set_aside(row)
            continue
        kind, fields = _KINDS.get(row.what), _content(row.content)
        if kind is None or not _is_whole(kind, fields, row.body):
            yield Damage("changed-quarantine", row.identifier, _ALTERED)
        elif row.identifier != (fields.get("event_id") or fields["prediction_id"]):
            yield Damage("changed-quarantine", row.identifier, "its content has another id")
    yield from _steps(connection, numbers)


def _steps(connection: Connection, numbers: set[int]) -> Iterator[Damage]:
    for row in connection.execute(sa.select(quarantine_step)):
        if with_digest(quarantine_step, row._asdict())["row_digest"] != row.row_digest:
            yield Damage("changed-quarantine", f"row {row.number}", f"what became of it: {_ALTERED}")
        elif row.number not in numbers:
            yield Damage("changed-quarantine", f"row {row.number}", "something became of it, and it is not there")


def _set_aside(row: Any) -> Iterator[Damage]:
    if row.reason not in set(Reason) or digest_of(row.what, row.reason, row.field, row.content) != row.body:
        yield Damage("changed-quarantine", row.identifier, _ALTERED)


def _content(text: str) -> dict[str, Any]:
    """Return the fields that a quarantined row holds; none if they cannot be read."""
    try:
        content = json.loads(text)
        return {
            key: datetime.fromisoformat(value) if key in _MOMENTS and value is not None else value
            for key, value in content.items()
        }
    except (ValueError, TypeError, AttributeError):
        return {}


def _is_whole(kind: Callable[..., Prediction | Feedback], fields: dict[str, Any], body: bytes) -> bool:
    """Return whether the fields of a row make a value with that digest; SQLite keeps no sign of a zero."""
    number = "score" if "score" in fields else "value"
    signs = (fields, fields | {number: -0.0}) if fields.get(number) == 0 else (fields,)
    try:
        return body in {kind(**each).body_digest() for each in signs}
    except (InvalidInput, ValueError, TypeError):
        return False


def _problem_of(row: Any, reader: SqlLogReader, tops: tuple[int, ...]) -> str | None:
    try:
        taken = read_snapshot(row)
    except (InvalidInput, Unavailable):
        return "its record cannot be read"
    found = build_snapshot(
        taken.scope, taken.kind, reader.read(taken.scope, taken.mark, taken.kind.matching), taken.mark, taken.format
    )
    if found.digest != taken.digest:
        return f"its rows now give {found.digest}"
    if (found.predictions, found.events) != (taken.predictions, taken.events):
        return "it has other numbers of rows than its record says"
    if any(marked > top for marked, top in zip(taken.mark, tops, strict=True)):
        return "its mark lies beyond the log"
    return None
