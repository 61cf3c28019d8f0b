"""Rows in order, out of what any `LogReader` returns at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from operator import itemgetter

from handrail.feedback.domain.kinds import Kind
from handrail.feedback.domain.material import EventRow, Mark, PredictionRow, Scope
from handrail.feedback.ports import LogReader
from handrail.feedback.snapshot_ports import Order, OrderedRows

KEYS = {"event": (3, 0), "prediction": (0, 3)}
"""The columns of an event by which each order sorts."""


class SortedRows(OrderedRows):
    """Rows that are read at once and sorted: for logs that are in memory anyway."""

    def __init__(self, reader: LogReader) -> None:
        self._reader = reader

    def predictions(self, scope: Scope, kind: Kind, upto: Mark) -> Iterator[Sequence[PredictionRow]]:
        """Yield all predictions at once."""
        rows = self._reader.read(scope, upto, kind.matching).predictions
        if rows:
            yield sorted(rows, key=itemgetter(0))

    def events(self, scope: Scope, kind: Kind, upto: Mark, by: Order = "event") -> Iterator[Sequence[EventRow]]:
        """Yield all events at once."""
        rows = self._reader.read(scope, upto, kind.matching).events
        if rows:
            yield sorted(rows, key=itemgetter(*KEYS[by]))
