"""What is recorded as plain values, in the order in which it is kept: moments as whole numbers, with the body's digest.

A batch of many rows is checked and recorded as these; one row more or less is a `Prediction` or a `Feedback`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple, Self, overload

from handrail.feedback.domain.values import EPOCH, Feedback, Prediction, microseconds


class PlainPrediction(NamedTuple):
    """A `Prediction`; its moment is whole microseconds since 1970 UTC, its body 32 bytes."""

    prediction_id: str
    deployment: str
    subject: str
    made_at: int
    score: float
    label: int
    features_digest: str
    feature_service: str
    latency_ms: float | None
    variant: str
    propensity: float | None
    sampled: float | None
    degraded: str
    body: bytes


class PlainEvent(NamedTuple):
    """A `Feedback`, named by its key; moments are whole microseconds since 1970 UTC, its body 32 bytes."""

    event_id: str
    prediction_id: str
    kind: str
    source: str
    revision: int
    occurred_at: int
    received_at: int
    value: float | None
    subject: str
    service: str
    since: int | None
    until: int | None
    item: str
    unit: str
    body: bytes


class PlainEvents(Sequence[PlainEvent]):
    """Many events by columns, which are iterated as tuples: no row is an object for longer than it is looked at."""

    __slots__ = ("columns",)

    def __init__(self, columns: tuple[Sequence[Any], ...]) -> None:
        """Hold a column for each field of `PlainEvent`, in their order and of one length."""
        self.columns = columns

    @classmethod
    def of(cls, rows: Sequence[tuple[Any, ...]]) -> Self:
        """Return rows as columns."""
        return cls(tuple(zip(*rows, strict=True)) if rows else ((),) * len(PlainEvent._fields))

    def __len__(self) -> int:
        return len(self.columns[0])

    @overload
    def __getitem__(self, place: int) -> PlainEvent: ...
    @overload
    def __getitem__(self, place: slice) -> Self: ...
    def __getitem__(self, place: int | slice) -> PlainEvent | Self:
        if isinstance(place, slice):
            return type(self)(tuple(column[place] for column in self.columns))
        return PlainEvent(*(column[place] for column in self.columns))

    def __iter__(self) -> Iterator[Any]:
        """Yield each row as a plain tuple."""
        return zip(*self.columns, strict=True)


def plain_prediction(row: Prediction) -> PlainPrediction:
    """Return a prediction as plain values; numbers of numeric libraries become Python's."""
    return PlainPrediction(
        row.prediction_id,
        row.deployment,
        row.subject,
        microseconds(row.made_at),
        float(row.score),
        int(row.label),
        row.features_digest,
        row.feature_service,
        None if row.latency_ms is None else float(row.latency_ms),
        row.variant,
        None if row.propensity is None else float(row.propensity),
        None if row.sampled is None else float(row.sampled),
        row.degraded,
        row.body_digest(),
    )


def plain_event(event: Feedback) -> PlainEvent:
    """Return an event as plain values; numbers of numeric libraries become Python's."""
    body = event.body_digest()
    return PlainEvent(
        event.event_id or body.hex(),
        event.prediction_id,
        event.kind,
        event.source,
        int(event.revision),
        microseconds(event.occurred_at),
        microseconds(event.received_at),
        None if event.value is None else float(event.value),
        event.subject,
        event.service,
        _plain_moment(event.since),
        _plain_moment(event.until),
        event.item,
        event.unit,
        body,
    )


def prediction_of(plain: PlainPrediction) -> Prediction:
    """Return the prediction that the plain values say."""
    fields = plain._asdict()
    fields.pop("body")
    return Prediction(**fields | {"made_at": _moment(plain.made_at)})


def event_of(plain: PlainEvent) -> Feedback:
    """Return the event that the plain values say, named by its key."""
    fields = plain._asdict()
    fields.pop("body")
    moments = {
        name: None if fields[name] is None else _moment(fields[name])
        for name in ("occurred_at", "received_at", "since", "until")
    }
    return Feedback(**fields | moments, retracts=plain.value is None)


def _plain_moment(moment: datetime | None) -> int | None:
    return None if moment is None else microseconds(moment)


def _moment(whole: int) -> datetime:
    return EPOCH + timedelta(microseconds=whole)
