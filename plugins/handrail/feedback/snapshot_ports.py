"""What snapshots need beyond `ports`: their rows, one after the other in a fixed order."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from typing import Literal, Protocol

from handrail.feedback.domain.kinds import Kind
from handrail.feedback.domain.material import EventRow, Mark, PredictionRow, Scope

Order = Literal["event", "prediction"]


class OrderedRows(Protocol):
    """Reads the rows that `LogReader.read` returns, some thousand at once, in an order that depends on nothing else."""

    @abstractmethod
    def predictions(self, scope: Scope, kind: Kind, upto: Mark) -> Iterator[Sequence[PredictionRow]]:
        """Yield the predictions of a scope at or below the mark, sorted by id (by code points); no yield is empty."""

    @abstractmethod
    def events(self, scope: Scope, kind: Kind, upto: Mark, by: Order = "event") -> Iterator[Sequence[EventRow]]:
        """Yield the events about them that were known, by the kind's rule for business keys; no yield is empty.

        They are sorted by (event_id, prediction_id), or by (prediction_id, event_id) for the order `prediction`.
        """
