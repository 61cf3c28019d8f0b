"""What lies between two snapshots: which predictions one of them has alone, and whose label is another one, and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import chain
from typing import Literal

from handrail.feedback.domain.material import EventRow, PredictionRow, current_values
from handrail.feedback.domain.snapshots import Snapshot
from handrail.feedback.domain.values import EPOCH

Why = Literal["added", "left", "answered", "corrected", "retracted", "matured", "label changed", "reported again"]
WHYS: dict[Why, str] = {
    "added": "a prediction that the later snapshot has alone",
    "left": "a prediction that the earlier snapshot has alone",
    "answered": "nothing was known of it before",
    "corrected": "another value, or a higher revision, holds now",
    "retracted": "a value held before, and none does now",
    "matured": "its maturity window has passed since",
    "label changed": "figures on mature predictions count another label, or count it newly or no more",
    "reported again": "further events that changed nothing",
}
"""Why a prediction is among the changes, with what each means; one prediction may have several reasons."""

MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True, order=True)
class Included:
    """What a snapshot was made from: `prediction` or `event`, and its id."""

    what: Literal["prediction", "event"]
    identifier: str


@dataclass(frozen=True, slots=True)
class Standing:
    """What one snapshot knows about a prediction.

    `value` is the current one of its feedback (None: nothing, or retracted), `revision` that of the event behind it
    (None: no event), `label` what figures on mature predictions count (None: it is not counted), `events` the ids of
    all events about it, sorted.
    """

    value: float | None
    revision: int | None
    mature: bool
    label: float | None
    events: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Change:
    """A prediction about which two snapshots differ; None for the one that does not have it."""

    prediction_id: str
    subject: str
    deployment: str
    made_at: datetime
    why: tuple[Why, ...]
    before: Standing | None
    after: Standing | None

    @property
    def new_events(self) -> tuple[str, ...]:
        """The ids of the events that the later snapshot has alone, sorted."""
        known = set(self.before.events) if self.before else set()
        return tuple(each for each in self.after.events if each not in known) if self.after else ()


@dataclass(frozen=True, slots=True)
class Stated:
    """A snapshot with its rows, both by the ids of predictions and in batches."""

    snapshot: Snapshot
    predictions: Iterable[Sequence[PredictionRow]]
    events: Iterable[Sequence[EventRow]]

    def standings(self) -> Iterator[tuple[PredictionRow, Standing]]:
        """Yield each prediction with what is known of it, by id."""
        kind = self.snapshot.kind
        until = kind.matured_until(self.snapshot.scope.as_of)
        events = _Groups(chain.from_iterable(self.events))
        for row in chain.from_iterable(self.predictions):
            about = events.of(row[0])
            current = current_values(about, kind.aggregation).get(row[0])
            value = None if current is None else current.value
            mature = EPOCH + row[3] * MICROSECOND <= until
            label = kind.label(value, mature) if mature else None
            revision = None if current is None else current.revision
            yield row, Standing(value, revision, mature, label, tuple(event[3] for event in about))


class _Groups:
    """Events by prediction, asked for in their order."""

    def __init__(self, events: Iterator[EventRow]) -> None:
        self._events, self._next = events, next(events, None)

    def of(self, prediction_id: str) -> list[EventRow]:
        found = []
        while self._next is not None and self._next[0] <= prediction_id:
            if self._next[0] == prediction_id:
                found.append(self._next)
            self._next = next(self._events, None)
        return found


def changes_between(before: Stated, after: Stated) -> Iterator[Change]:
    """Yield each prediction about which two snapshots differ, by id; no more than one of each is held."""
    earlier, later = before.standings(), after.standings()
    one, other = next(earlier, None), next(later, None)
    while one or other:
        if other is None or (one is not None and one[0][0] < other[0][0]):
            assert one is not None
            yield _change(one[0], ("left",), one[1], None)
            one = next(earlier, None)
        elif one is None or other[0][0] < one[0][0]:
            yield _change(other[0], ("added",), None, other[1])
            other = next(later, None)
        else:
            if one[1] != other[1]:
                yield _change(other[0], _why(one[1], other[1]), one[1], other[1])
            one, other = next(earlier, None), next(later, None)


def _change(row: PredictionRow, why: tuple[Why, ...], before: Standing | None, after: Standing | None) -> Change:
    return Change(row[0], row[1], row[2], EPOCH + row[3] * MICROSECOND, why, before, after)


def _why(before: Standing, after: Standing) -> tuple[Why, ...]:
    """Return what differs between two standings that are not equal."""
    found: list[Why] = []
    if before.value is None and after.value is not None:
        found.append("answered")
    elif before.value is not None and after.value is None:
        found.append("retracted")
    elif after.value is not None and (before.value, before.revision) != (after.value, after.revision):
        found.append("corrected")
    if before.mature != after.mature:
        found.append("matured")
    if before.label != after.label:
        found.append("label changed")
    return tuple(found) or ("reported again",)


@dataclass
class Tally:
    """Counts of changes by their reasons; `changes` is how many predictions there are."""

    changes: int = 0
    by: Counter[Why] = field(default_factory=Counter)

    def add(self, change: Change) -> None:
        """Count a change."""
        self.changes += 1
        self.by.update(change.why)

    def counts(self) -> dict[Why, int]:
        """Return how many predictions have each reason, in the order of `WHYS`; those alone that occurred."""
        return {why: self.by[why] for why in WHYS if self.by[why]}
