"""The one way into the SQL log: callers that come together share a transaction, and each gets a receipt of its own."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, chain
from typing import Any

from handrail.clock import system_time
from handrail.feedback.adapters.sql_append import Outcome, Recordable
from handrail.feedback.adapters.sql_events import record_events
from handrail.feedback.adapters.sql_predictions import record_predictions
from handrail.feedback.adapters.sql_quarantine import record_rejected
from handrail.feedback.domain.event_columns import SiftedEvents
from handrail.feedback.domain.plain import (
    PlainEvent,
    PlainPrediction,
    event_of,
    plain_event,
    plain_prediction,
    prediction_of,
)
from handrail.feedback.domain.quarantine import Refusal, Rejected
from handrail.feedback.domain.values import Feedback, Prediction, Receipt
from handrail.feedback.ports import Intake, Row
from handrail.storage import Store
from handrail.storage.grouping import GroupCommit

MAX_ROWS = 2_000
MOST_WAITING = 50_000
"""Rows of callers that wait; one row takes about 1 kB of memory."""


class SqlIntake(Intake):
    """Writes what comes while another transaction is written as one; what waits is bounded."""

    def __init__(self, store: Store, most_waiting: int = MOST_WAITING) -> None:
        self._store = store
        self.calls: GroupCommit[Row, SiftedEvents | None, Receipt] = GroupCommit(self._write, MAX_ROWS, most_waiting)

    def keep(self, rows: Sequence[Row]) -> Receipt:
        """Keep all rows durably, perhaps in one transaction with those of other callers, or none."""
        return self.calls.run(rows, None) if rows else Receipt()

    def keep_events(self, sifted: SiftedEvents) -> Receipt:
        """Keep many events by columns in a transaction of their own, or none."""
        # A key that no other call has: it waits for its turn among the others, and is written alone.
        return self.calls.run((), sifted, size=len(sifted)) if len(sifted) else Receipt()

    def _write(self, calls: Sequence[Sequence[Row]], sifted: SiftedEvents | None) -> list[Receipt]:
        if sifted is None:
            return self._written(_SortedOut.of(calls), calls)
        lot = _Lot(sifted.places, sifted.events, sifted.events)
        return self._written(_SortedOut(_Lot(), lot, sifted.rejected), [range(len(sifted))])

    def _written(self, rows: _SortedOut, calls: Sequence[Sequence[Any]]) -> list[Receipt]:
        predictions, events = rows.predictions, rows.events
        with self._store.write() as connection:
            record_rejected(connection, [row for _, row in rows.rejected], system_time())
            outcomes = [
                (predictions, record_predictions(connection, predictions.plain, predictions.said)),
                (events, record_events(connection, events.plain, events.said)),
            ]
        return _receipts(calls, rows.rejected, outcomes)


@dataclass(frozen=True, slots=True)
class _Lot:
    """Rows of one sort: their places among all, what was sent, and the same as plain values."""

    places: Sequence[int] = ()
    sent: Sequence[Any] = ()
    plain: Sequence[Any] = ()

    def said(self, place: int) -> Recordable:
        """Return what the row at a place of this lot says."""
        sent = self.sent[place]
        if isinstance(sent, PlainEvent):
            return event_of(sent)
        return prediction_of(sent) if isinstance(sent, PlainPrediction) else sent


@dataclass(frozen=True, slots=True)
class _SortedOut:
    """The rows of all calls, by their sort."""

    predictions: _Lot
    events: _Lot
    rejected: Sequence[tuple[int, Rejected]]

    @classmethod
    def of(cls, calls: Sequence[Sequence[Row]]) -> _SortedOut:
        predictions: list[tuple[int, Any, Any]] = []
        events: list[tuple[int, Any, Any]] = []
        rejected: list[tuple[int, Rejected]] = []
        for place, row in enumerate(chain.from_iterable(calls)):
            if isinstance(row, Rejected):
                rejected.append((place, row))
            else:
                is_event = isinstance(row, Feedback | PlainEvent)
                (events if is_event else predictions).append((place, row, _plain(row)))
        made, said = (_Lot(*zip(*rows, strict=True)) if rows else _Lot() for rows in (predictions, events))
        return cls(made, said, rejected)


def _plain(row: Prediction | Feedback | PlainPrediction | PlainEvent) -> PlainPrediction | PlainEvent:
    if isinstance(row, Feedback):
        return plain_event(row)
    return plain_prediction(row) if isinstance(row, Prediction) else row


def _receipts(
    calls: Sequence[Sequence[Any]], rejected: Sequence[tuple[int, Rejected]], outcomes: Sequence[tuple[_Lot, Outcome]]
) -> list[Receipt]:
    """Return the share of each call; a row that two calls have is new for the first."""
    ends = list(accumulate(map(len, calls)))
    refused: list[list[Refusal]] = [[] for _ in calls]
    repeated, clashing = [0] * len(calls), [0] * len(calls)
    conflicts: list[tuple[str, ...]] = [()] * len(calls)
    for place, row in rejected:
        call = bisect_right(ends, place)
        begin = ends[call] - len(calls[call])
        refused[call].append(Refusal(place - begin, row.reason, row.field, row.problem))
    for lot, outcome in outcomes:
        for place in outcome.known:
            repeated[bisect_right(ends, lot.places[place])] += 1
        ids: dict[int, set[str]] = {}
        for place in outcome.clashing:
            call = bisect_right(ends, lot.places[place])
            clashing[call] += 1
            ids.setdefault(call, set()).add(lot.plain[place][0])
        for call, names in ids.items():
            conflicts[call] += tuple(sorted(names))
    return [
        Receipt(
            len(call) - repeated[number] - clashing[number] - len(refused[number]),
            repeated[number],
            conflicts[number],
            tuple(refused[number]),
        )
        for number, call in enumerate(calls)
    ]
