"""The one way into the SQL log: callers that come together share a transaction, and each gets a receipt of its own."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import accumulate, chain
from typing import Any

from handrail.clock import system_time
from handrail.feedback.adapters.sql_append import Outcome, Recordable
from handrail.feedback.adapters.sql_events import record_events
from handrail.feedback.adapters.sql_predictions import record_predictions
from handrail.feedback.adapters.sql_quarantine import record_rejected
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
        self.calls: GroupCommit[Row, None, Receipt] = GroupCommit(self._write, MAX_ROWS, most_waiting)

    def keep(self, rows: Sequence[Row]) -> Receipt:
        """Keep all rows durably, perhaps in one transaction with those of other callers, or none."""
        return self.calls.run(rows, None) if rows else Receipt()

    def _write(self, calls: Sequence[Sequence[Row]], _key: None) -> list[Receipt]:
        rows = calls[0] if len(calls) == 1 else list(chain.from_iterable(calls))
        sorted_out = _SortedOut()
        sorted_out.add(rows)
        predictions, events = sorted_out.predictions, sorted_out.events
        with self._store.write() as connection:
            record_rejected(connection, [row for _, row in sorted_out.rejected], system_time())
            outcomes = [
                (predictions, record_predictions(connection, predictions.plain, predictions.said)),
                (events, record_events(connection, events.plain, events.said)),
            ]
        return _receipts(calls, sorted_out.rejected, outcomes)


@dataclass(slots=True)
class _Lot:
    """Rows of one sort: their places among all, what was sent, and the same as plain values."""

    places: list[int] = field(default_factory=list)
    sent: list[Any] = field(default_factory=list)
    plain: list[Any] = field(default_factory=list)

    def said(self, place: int) -> Recordable:
        """Return what the row at a place of this lot says."""
        sent = self.sent[place]
        if isinstance(sent, PlainEvent):
            return event_of(sent)
        return prediction_of(sent) if isinstance(sent, PlainPrediction) else sent


@dataclass(slots=True)
class _SortedOut:
    predictions: _Lot = field(default_factory=_Lot)
    events: _Lot = field(default_factory=_Lot)
    rejected: list[tuple[int, Rejected]] = field(default_factory=list)

    def add(self, rows: Sequence[Row]) -> None:
        for place, row in enumerate(rows):
            if isinstance(row, Rejected):
                self.rejected.append((place, row))
                continue
            lot = self.events if isinstance(row, PlainEvent | Feedback) else self.predictions
            lot.places.append(place)
            lot.sent.append(row)
            lot.plain.append(_plain(row))


def _plain(row: Prediction | Feedback | PlainPrediction | PlainEvent) -> PlainPrediction | PlainEvent:
    if isinstance(row, Feedback):
        return plain_event(row)
    return plain_prediction(row) if isinstance(row, Prediction) else row


def _receipts(
    calls: Sequence[Sequence[Row]], rejected: Sequence[tuple[int, Rejected]], outcomes: Sequence[tuple[_Lot, Outcome]]
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
