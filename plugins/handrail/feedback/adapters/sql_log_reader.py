"""Reads predictions and events as they stood at a mark."""

from __future__ import annotations

from collections.abc import Iterable, Sequence, Set
from typing import Any

import sqlalchemy as sa

from handrail.feedback.adapters.sql_predictions import fetch_rivals
from handrail.feedback.adapters.sql_tables import arrival, deployment, event, prediction
from handrail.feedback.domain.addresses import Address, AddressedRow, Matching, resolve
from handrail.feedback.domain.material import EventRow, Mark, Material, Scope
from handrail.feedback.domain.values import microseconds
from handrail.feedback.ports import LogReader
from handrail.storage import Store
from handrail.storage.bulk import TEXT, read

NUMBERED = (prediction, event, arrival)
# From the events of the kind, by an index of this very expression, to their predictions: of money there may be none
# beside millions of predictions.
_ABOUT = """select uri, event.prediction_id, revision, occurred_at, event_id, value, item
from feedback_event event cross join feedback_prediction prediction cross join feedback_deployment deployment
where uri in (select g.a from {given}) and event.kind || '' = {p}
and prediction.prediction_id = event.prediction_id and deployment.id = deployment_id"""


class SqlLogReader(LogReader):
    """Both logs as they stood at a mark, read from SQL."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def mark(self) -> Mark:
        """Return the highest sequence numbers, after every write that has drawn a number has ended."""
        with self._store.read() as connection:
            if connection.dialect.name == "postgresql":
                # A number is drawn before its row is committed: wait for writers, keep new ones out for a moment.
                connection.execute(sa.text(f"lock table {', '.join(map(str, NUMBERED))} in share mode"))
            highest = (sa.func.coalesce(sa.func.max(table.c.seq), 0) for table in NUMBERED)
            return Mark(*(connection.execute(sa.select(each)).scalar_one() for each in highest))

    def read(self, scope: Scope, upto: Mark, matching: Matching = "latest") -> Material:
        """Return the rows of a scope at or below the mark; `matching` for outcomes that name a business key."""
        made = made_in(scope, upto)
        with self._store.read() as connection:
            predictions = _fetch(connection, select_predictions(made))
            direct = _fetch(connection, select_events(made, scope, upto))
            by_key = _addressed_rows(connection, made, scope, upto)
            rivals = _rivals(connection, by_key, microseconds(scope.as_of), upto.predictions)
        if not by_key:
            return Material(predictions, direct)
        asked = {row[0] for row in predictions}
        return Material(predictions, [*direct, *_matched(by_key, rivals, matching, asked)])

    def events_about(
        self, kind: str, deployments: Sequence[str], matching: Matching = "latest"
    ) -> Iterable[tuple[str, EventRow]]:
        """Return every event of a kind about predictions of these deployments, each with its deployment's URI."""
        with self._store.read() as connection:
            for uri, *row in read(connection, _ABOUT, deployments, TEXT, more=(kind,)):
                yield uri, tuple(row)
            every = sa.select(*ADDRESSED).where(event.c.kind == kind, event.c.subject != "")
            by_key = list(map(addressed_row, _fetch(connection, every)))
            rivals = _rivals(connection, by_key)
        made_by = {rival[0]: rival[3] for rival in rivals if rival[3] in set(deployments)}
        for name, found in resolve(by_key, rivals, matching):
            if name in made_by:
                yield made_by[name], found.about(name)


ADDRESSED = [
    event.c[name]
    for name in ("subject", "service", "since", "until", "occurred_at", "revision", "event_id", "value", "item")
]
"""The columns that `addressed_row` reads."""


def made_in(scope: Scope, upto: Mark) -> list[sa.ColumnElement[bool]]:
    """Return the conditions for the predictions of a scope at or below the mark."""
    made = [
        prediction.c.made_at >= scope.start,
        prediction.c.made_at < scope.end,
        prediction.c.made_at <= scope.as_of,
        # Adding 0 keeps SQLite from walking the table by `seq` where the window's index is far narrower.
        prediction.c.seq + 0 <= upto.predictions,
    ]
    if scope.deployment is not None:
        served = sa.select(deployment.c.id).where(deployment.c.uri == scope.deployment).scalar_subquery()
        made.append(prediction.c.deployment_id == served)
    return made


def rows_by_key(connection: sa.Connection, scope: Scope, upto: Mark, matching: Matching) -> list[EventRow]:
    """Return the events that name a business key, once for each prediction of the scope that they are about."""
    made = made_in(scope, upto)
    by_key = _addressed_rows(connection, made, scope, upto)
    if not by_key:
        return []
    rivals = _rivals(connection, by_key, microseconds(scope.as_of), upto.predictions)
    start, end = microseconds(scope.start), microseconds(scope.end)
    mine = {each[0] for each in rivals if start <= each[2] < end and scope.deployment in (None, each[3])}
    return _matched(by_key, rivals, matching, mine)


def _addressed_rows(
    connection: sa.Connection, made: list[sa.ColumnElement[bool]], scope: Scope, upto: Mark
) -> list[AddressedRow]:
    return list(map(addressed_row, _fetch(connection, _addressed(made, scope, upto))))


def _matched(
    by_key: Sequence[AddressedRow], rivals: Sequence[Any], matching: Matching, asked: Set[str]
) -> list[EventRow]:
    return [row.about(name) for name, row in resolve(by_key, rivals, matching) if name in asked]


def addressed_row(row: Sequence[Any]) -> AddressedRow:
    """Return the driver's row of the columns `ADDRESSED`."""
    return AddressedRow(Address(*row[:5]), *row[5:9])


def _rivals(connection: sa.Connection, by_key: Sequence[AddressedRow], *known: int) -> Sequence[Any]:
    return fetch_rivals(connection, sorted({row.address.subject for row in by_key}), *known)


def _fetch(connection: sa.Connection, query: sa.Select[Any]) -> Sequence[Any]:
    # The driver's plain tuples: wrapping each row and converting its moments would take most of the time.
    cursor = connection.execute(query).cursor
    assert cursor is not None
    return cursor.fetchall()


def select_predictions(made: list[sa.ColumnElement[bool]]) -> sa.Select[Any]:
    """Return the query for predictions, with the columns of `PredictionRow`."""
    columns = prediction.c
    return (
        sa.select(
            columns.prediction_id,
            columns.subject,
            deployment.c.uri,
            sa.type_coerce(columns.made_at, sa.BigInteger),
            columns.score,
            columns.label,
            columns.latency_ms,
            columns.variant,
            columns.propensity,
            columns.sampled,
        )
        .join_from(prediction, deployment, columns.deployment_id == deployment.c.id)
        .where(*made)
    )


def select_events(made: list[sa.ColumnElement[bool]], scope: Scope, upto: Mark) -> sa.Select[Any]:
    """Return the query for events that name their prediction, with the columns of `EventRow`."""
    names = ("prediction_id", "revision", "occurred_at", "event_id", "value", "item")
    about = event.c.prediction_id == prediction.c.prediction_id
    columns = (
        sa.type_coerce(event.c[name], sa.BigInteger) if name == "occurred_at" else event.c[name] for name in names
    )
    return sa.select(*columns).join_from(prediction, event, about).where(*made, *_known(scope, upto))


def _addressed(made: list[sa.ColumnElement[bool]], scope: Scope, upto: Mark) -> sa.Select[Any]:
    """Return the events that name the subject of a prediction of the scope."""
    asked = event.c.subject.in_(sa.select(prediction.c.subject).where(*made))
    # Said as the index says it, which has those with a subject alone.
    return sa.select(*ADDRESSED).where(event.c.subject != "", asked, *_known(scope, upto))


def _known(scope: Scope, upto: Mark) -> tuple[sa.ColumnElement[bool], ...]:
    earlier = sa.exists().where(
        arrival.c.event_id == event.c.event_id,
        arrival.c.received_at <= scope.as_of,
        arrival.c.seq <= upto.arrivals,
    )
    received = sa.or_(event.c.received_at <= scope.as_of, earlier)
    return (event.c.kind == scope.kind, received, event.c.seq + 0 <= upto.events)
