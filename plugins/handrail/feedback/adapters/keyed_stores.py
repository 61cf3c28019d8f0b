"""The ways into the log and the questions by subject, with each subject named by its pseudonym.

What is behind these adapters never sees a subject itself: a way in that is missing here is refused by Python, because
these are whole adapters of their ports.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from handrail.feedback.domain.addresses import Rival
from handrail.feedback.domain.event_columns import SiftedEvents
from handrail.feedback.domain.plain import PlainEvent, PlainEvents
from handrail.feedback.domain.quarantine import Held, Reason, Rejected, State, Step
from handrail.feedback.domain.subjects import Subjects
from handrail.feedback.domain.values import Feedback, Prediction, Receipt
from handrail.feedback.ports import EventLog, Intake, PredictionLog, QuarantineBook, Row
from handrail.feedback.service import FeedbackStores


class KeyedIntake(Intake):
    """The way into both logs and into quarantine."""

    def __init__(self, inner: Intake, subjects: Subjects) -> None:
        self._inner, self._subjects = inner, subjects

    def keep(self, rows: Sequence[Row]) -> Receipt:
        """Keep all rows durably, or none."""
        return self._inner.keep(list(map(self._subjects.named, rows)))

    def keep_events(self, sifted: SiftedEvents) -> Receipt:
        """Keep many events by columns in a transaction of their own, or none."""
        rejected = [(place, self._subjects.named(row)) for place, row in sifted.rejected]
        events = sifted.events
        if any(events.columns[PlainEvent._fields.index("subject")]):
            events = PlainEvents.of([self._subjects.named(PlainEvent(*row)) for row in events])
        return self._inner.keep_events(replace(sifted, events=events, rejected=rejected))


class KeyedPredictions(PredictionLog):
    """The log of predictions."""

    def __init__(self, inner: PredictionLog, subjects: Subjects) -> None:
        self._inner, self._subjects = inner, subjects

    def append(self, rows: Sequence[Prediction]) -> Receipt:
        """Keep all rows durably in one transaction, or none."""
        return self._inner.append(list(map(self._subjects.named, rows)))

    def find(self, prediction_id: str) -> Prediction | None:
        """Return the prediction, or None."""
        return self._inner.find(prediction_id)

    def rivals(self, subject: str) -> tuple[Rival, ...]:
        """Return every prediction about a subject."""
        return self._inner.rivals(self._subjects.reference(subject))

    def made_by(self, prediction_id: str) -> str | None:
        """Return the URI of the deployment that made a prediction, or None."""
        return self._inner.made_by(prediction_id)

    def count(self, deployments: Sequence[str]) -> Mapping[str, int]:
        """Return the number of predictions of each of these deployments."""
        return self._inner.count(deployments)


class KeyedEvents(EventLog):
    """The log of feedback."""

    def __init__(self, inner: EventLog, subjects: Subjects) -> None:
        self._inner, self._subjects = inner, subjects

    def append(self, events: Sequence[Feedback]) -> Receipt:
        """Keep all events durably in one transaction, or none."""
        return self._inner.append(list(map(self._subjects.named, events)))

    def about(self, prediction_id: str) -> tuple[Feedback, ...]:
        """Return every event that names a prediction by its id."""
        return self._inner.about(prediction_id)

    def naming(self, subject: str) -> tuple[Feedback, ...]:
        """Return every event that names a subject."""
        return self._inner.naming(self._subjects.reference(subject))


class KeyedQuarantine(QuarantineBook):
    """Quarantine; what cannot be read as fields is not kept there."""

    def __init__(self, inner: QuarantineBook, subjects: Subjects) -> None:
        self._inner, self._subjects = inner, subjects

    def add(self, rows: Sequence[Rejected], at: datetime) -> None:
        """Keep rows durably; the same row for the same reason once."""
        self._inner.add(list(map(self._subjects.named, rows)), at)

    def held(self, limit: int, state: State | None, reason: Reason | None) -> tuple[Held, ...]:
        """Return the newest rows, newest first."""
        return self._inner.held(limit, state, reason)

    def find(self, number: int) -> Held | None:
        """Return the row of that number, or None."""
        return self._inner.find(number)

    def step(self, step: Step) -> None:
        """Keep durably what became of a row."""
        content = None if step.content is None else self._subjects.content(step.content)
        self._inner.step(replace(step, content=content))


def keyed(stores: FeedbackStores, subjects: Subjects) -> FeedbackStores:
    """Return stores in which every subject has its pseudonym."""
    return replace(
        stores,
        intake=KeyedIntake(stores.intake, subjects),
        predictions=KeyedPredictions(stores.predictions, subjects),
        events=KeyedEvents(stores.events, subjects),
        quarantine=KeyedQuarantine(stores.quarantine, subjects),
    )
