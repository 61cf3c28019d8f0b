"""What was said about one prediction, by its id or by a business key."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from handrail.feedback.domain.addresses import address_of, matches
from handrail.feedback.domain.kinds import Kind
from handrail.feedback.domain.values import Feedback
from handrail.feedback.service.stores import FeedbackStores


def said_about(prediction_id: str, stores: FeedbackStores, kinds: Mapping[str, Kind]) -> tuple[Feedback, ...]:
    """Return every event about a prediction, sorted so that of each kind the last one is current."""
    events = [*stores.events.about(prediction_id), *_by_key(prediction_id, stores, kinds)]
    return tuple(sorted(events, key=lambda event: (event.kind, event.revision, event.occurred_at, event.key)))


def _by_key(prediction_id: str, stores: FeedbackStores, kinds: Mapping[str, Kind]) -> Iterator[Feedback]:
    prediction = stores.predictions.find(prediction_id)
    if prediction is None:
        return
    rivals = None
    for event in stores.events.naming(prediction.subject):
        kind = kinds.get(event.kind)
        rivals = stores.predictions.rivals(prediction.subject) if rivals is None else rivals
        if kind is not None and prediction_id in matches(address_of(event), rivals, kind.matching):
            yield event
