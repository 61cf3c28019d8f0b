"""Rows in order, out of parts and the rows of the log behind them: DuckDB sorts, beyond its memory on disk."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from handrail.feedback.adapters.duckdb_reading import Parts
from handrail.feedback.domain.kinds import Kind
from handrail.feedback.domain.material import EventRow, Mark, PredictionRow, Scope
from handrail.feedback.snapshot_ports import Order, OrderedRows

AT_ONCE = 50_000
_PREDICTIONS = """select prediction_id, subject, deployment, epoch_us(made_at), score, predicted, latency_ms, variant,
    propensity, sampled
from ({made}) order by prediction_id"""
_EVENTS = """with made as ({made}), events as ({events})
select prediction_id, revision, occurred_at, event_id, value, item
from events where prediction_id in (select prediction_id from made) order by {order}"""
_ORDERS = {"event": "event_id, prediction_id", "prediction": "prediction_id, event_id"}


class DuckdbRows(OrderedRows):
    """Rows in order from parts; where there are none, or no DuckDB, what `plain` reads."""

    def __init__(self, parts: Parts, plain: OrderedRows) -> None:
        self._parts, self._plain = parts, plain

    def predictions(self, scope: Scope, kind: Kind, upto: Mark) -> Iterator[Sequence[PredictionRow]]:
        """Yield predictions by id."""
        parts = self._parts.whole()
        if not parts:
            yield from self._plain.predictions(scope, kind, upto)
            return
        with self._parts.reading(parts, scope, kind, upto) as reading:
            made = reading.rows(reading.query.days).made
            yield from _streamed(reading.connection, _PREDICTIONS.format(made=made))

    def events(self, scope: Scope, kind: Kind, upto: Mark, by: Order = "event") -> Iterator[Sequence[EventRow]]:
        """Yield events in their order."""
        parts = self._parts.whole()
        if not parts:
            yield from self._plain.events(scope, kind, upto, by)
            return
        with self._parts.reading(parts, scope, kind, upto) as reading:
            group = reading.rows(reading.query.days)
            sql = _EVENTS.format(made=group.made, events=group.events, order=_ORDERS[by])
            yield from _streamed(reading.connection, sql)


def _streamed(connection: Any, sql: str) -> Iterator[Sequence[Any]]:
    for batch in connection.sql(sql).to_arrow_reader(AT_ONCE):
        if batch.num_rows:
            yield list(zip(*(column.to_pylist() for column in batch.columns), strict=True))
