"""The ways into the log that seal what people write: behind them is a commitment in its place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from handrail.feedback.domain.event_columns import SiftedEvents
from handrail.feedback.domain.reviews import Review, owner_of
from handrail.feedback.domain.values import Feedback, Receipt
from handrail.feedback.ports import EventLog, Intake, Row
from handrail.feedback.review_ports import SealedTexts
from handrail.feedback.service import FeedbackStores


class SealingIntake(Intake):
    """The way into both logs and into quarantine. A text is on disk before the event that refers to it."""

    def __init__(self, inner: Intake, texts: SealedTexts) -> None:
        self._inner, self._texts = inner, texts

    def keep(self, rows: Sequence[Row]) -> Receipt:
        """Keep all rows durably, or none."""
        return self._inner.keep(_sealed(rows, self._texts))

    def keep_events(self, sifted: SiftedEvents) -> Receipt:
        """Keep many events by columns, which have no texts."""
        return self._inner.keep_events(sifted)


class SealingEvents(EventLog):
    """The log of feedback."""

    def __init__(self, inner: EventLog, texts: SealedTexts) -> None:
        self._inner, self._texts = inner, texts

    def append(self, events: Sequence[Feedback]) -> Receipt:
        """Keep all events durably in one transaction, or none."""
        return self._inner.append(_sealed(events, self._texts))

    def about(self, prediction_id: str) -> tuple[Feedback, ...]:
        """Return every event that names a prediction by its id."""
        return self._inner.about(prediction_id)

    def naming(self, subject: str) -> tuple[Feedback, ...]:
        """Return every event that names a subject."""
        return self._inner.naming(subject)


def _sealed(rows: Sequence[Any], texts: SealedTexts) -> list[Any]:
    reviews = [row for row in rows if isinstance(row, Review)]
    commitments = iter(texts.seal([(owner_of(each), each.text) for each in reviews]))
    return [row.sealed(next(commitments)) if isinstance(row, Review) else row for row in rows]


def sealing(stores: FeedbackStores, texts: SealedTexts) -> FeedbackStores:
    """Return stores in which every text is sealed."""
    return replace(stores, intake=SealingIntake(stores.intake, texts), events=SealingEvents(stores.events, texts))
