"""Rows in order, read from SQL: the database sorts, and what it returns is never held as a whole.

Outcomes that name a business key are: which predictions they are about is a rule in Python over all of them.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice
from operator import itemgetter
from typing import Any, TypeVar

import sqlalchemy as sa

from handrail.feedback.adapters.sorted_rows import KEYS
from handrail.feedback.adapters.sql_log_reader import (
    made_in,
    rows_by_key,
    select_events,
    select_predictions,
)
from handrail.feedback.adapters.sql_tables import event, prediction
from handrail.feedback.domain.kinds import Kind
from handrail.feedback.domain.material import EventRow, Mark, PredictionRow, Scope
from handrail.feedback.snapshot_ports import Order, OrderedRows
from handrail.storage import Store

AT_ONCE = 5_000
Row = TypeVar("Row")


class SqlOrderedRows(OrderedRows):
    """Rows in order, read from SQL."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def predictions(self, scope: Scope, kind: Kind, upto: Mark) -> Iterator[Sequence[PredictionRow]]:  # noqa: ARG002
        """Yield predictions by id."""
        with self._store.read() as connection:
            query = select_predictions(made_in(scope, upto))
            yield from _streamed(connection, _by(connection, query, prediction.c.prediction_id))

    def events(self, scope: Scope, kind: Kind, upto: Mark, by: Order = "event") -> Iterator[Sequence[EventRow]]:
        """Yield events in their order."""
        key = itemgetter(*KEYS[by])
        columns = {"event": event.c.event_id, "prediction": event.c.prediction_id}
        with self._store.read() as connection:
            found = rows_by_key(connection, scope, upto, kind.matching)
            query = select_events(made_in(scope, upto), scope, upto)
            order = sorted(columns, key=lambda name: name != by)
            rows = _streamed(connection, _by(connection, query, *(columns[name] for name in order)))
            if not found:
                yield from rows
                return
            yield from _batches(heapq.merge(chain.from_iterable(rows), sorted(found, key=key), key=key))


def _by(connection: sa.Connection, query: sa.Select[Any], *columns: sa.ColumnElement[Any]) -> sa.Select[Any]:
    """Sort by code points: SQLite does so, PostgreSQL is asked to."""
    if connection.dialect.name == "postgresql":
        return query.order_by(*(sa.collate(column, "C") for column in columns))
    return query.order_by(*columns)


def _streamed(connection: sa.Connection, query: sa.Select[Any]) -> Iterator[Sequence[Any]]:
    result = connection.execution_options(stream_results=True).execute(query)
    try:
        yield from result.partitions(AT_ONCE)
    finally:
        result.close()


def _batches(rows: Iterable[Row]) -> Iterator[list[Row]]:
    left = iter(rows)
    while batch := list(islice(left, AT_ONCE)):
        yield batch
