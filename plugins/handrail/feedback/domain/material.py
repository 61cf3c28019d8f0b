"""What is read back from the append-only log, and the rule which event is current."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, NamedTuple

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


PredictionRow = tuple[str, str, str, int, float, int, float | None, str, float | None, float | None]
"""(prediction_id, subject, deployment, made_at, score, label, latency_ms, variant, propensity, sampled).

`made_at` in microseconds since 1970 UTC; the two probabilities None where they were not recorded."""

EventRow = tuple[str, int, int, str, float | None, str]
"""(prediction_id, revision, occurred_at, event_id, value, item); occurred_at in microseconds; value None retracts."""

Aggregation = Literal["last", "first", "sum", "mean"]
"""What becomes of several items that were reported about one prediction."""

AGGREGATIONS: tuple[Aggregation, ...] = ("last", "first", "sum", "mean")


@dataclass(frozen=True, slots=True)
class Material:
    """Predictions of a scope and every event about them that was known at its as-of time; both in any order.

    Tuples, not objects: the garbage collector does not track them.
    """

    predictions: Sequence[PredictionRow]
    events: Sequence[EventRow]


def current_events(events: Iterable[EventRow]) -> dict[tuple[str, str], EventRow]:
    """Pick for each item of each prediction the event that is maximal by (revision, occurred_at, event_id).

    Never by arrival: the maximum is commutative, associative and idempotent, so neither order nor repetition matters.
    Most kinds have one item a prediction, without a name.
    """
    best: dict[tuple[str, str], EventRow] = {}
    for event in events:
        key = event[0], event[5]
        held = best.setdefault(key, event)
        if event[1:4] > held[1:4]:
            best[key] = event
    return best


class Current(NamedTuple):
    """What is known of one prediction: the value that holds, None if it was retracted, and the highest revision."""

    value: float | None
    revision: int


def current_values(events: Iterable[EventRow], aggregation: Aggregation) -> dict[str, Current]:
    """Return what holds of each prediction: the current values of its items, put together by the rule of the kind."""
    items: dict[str, list[EventRow]] = {}
    for event in current_events(events).values():
        items.setdefault(event[0], []).append(event)
    return {name: Current(_together(held, aggregation), max(row[1] for row in held)) for name, held in items.items()}


def _together(held: list[EventRow], aggregation: Aggregation) -> float | None:
    if len(held) == 1:
        return held[0][4]
    standing = sorted((row[2], row[1], row[3], row[4]) for row in held if row[4] is not None)
    if not standing:
        return None
    values = [row[3] for row in standing]
    if aggregation in ("last", "first"):
        return values[-1] if aggregation == "last" else values[0]
    total = math.fsum(values)
    return total if aggregation == "sum" else total / len(values)
