"""What is read back from the append-only log, and the rule which event is current."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from handrail.errors import InvalidInput


@dataclass(frozen=True, slots=True)
class Scope:
    """Which rows a question is about: predictions made in [start, end), what was known at `as_of`."""

    kind: str
    start: datetime
    end: datetime
    as_of: datetime
    deployment: str | None = None

    def __post_init__(self) -> None:
        for field in ("start", "end", "as_of"):
            moment: datetime = getattr(self, field)
            if moment.utcoffset() is None:
                raise InvalidInput(field, f"{moment} has no time zone", "Give a moment such as 2013-08-01T04:00Z.")
        if not self.start < self.end:
            raise InvalidInput("end", f"{self.end} is not after the start {self.start}", "Give a later end.")


class Mark(NamedTuple):
    """A position in the log: rows numbered at or below it will never change, and no other will join them."""

    predictions: int
    events: int
    arrivals: int = 0


PredictionRow = tuple[str, str, str, int, float, int, float | None]
"""(prediction_id, subject, deployment, made_at, score, label, latency_ms); made_at in microseconds since 1970 UTC."""

EventRow = tuple[str, int, int, str, float | None]
"""(prediction_id, revision, occurred_at, event_id, value); occurred_at in microseconds; value None retracts."""


@dataclass(frozen=True, slots=True)
class Material:
    """Predictions of a scope and every event about them that was known at its as-of time; both in any order.

    Tuples, not objects: the garbage collector does not track them.
    """

    predictions: Sequence[PredictionRow]
    events: Sequence[EventRow]


def current_events(events: Iterable[EventRow]) -> dict[str, EventRow]:
    """Pick for each prediction the event that is maximal by (revision, occurred_at, event_id), never by arrival.

    The maximum is commutative, associative and idempotent, so neither order nor repetition matters.
    """
    best: dict[str, EventRow] = {}
    for event in events:
        held = best.setdefault(event[0], event)
        if event[1:4] > held[1:4]:
            best[event[0]] = event
    return best
