"""Reads what people wrote, for those who may read the keys."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from handrail.feedback.domain.reviews import COMMITMENT, Written, owner_of, written
from handrail.feedback.domain.values import Feedback
from handrail.feedback.review_ports import SealedTexts
from handrail.feedback.service.log import FeedbackLog


@dataclass(frozen=True, slots=True)
class Reviews:
    """What people wrote about answers; of one source about one answer the last is current."""

    log: FeedbackLog
    texts: SealedTexts

    def about(self, prediction_id: str) -> tuple[Written, ...]:
        """Return what was written about a prediction, by its id or by business key, in the order of revisions.

        Raises:
            Refused: the keys are others' to read.
        """
        return tuple(map(self._opened, self._sealed(prediction_id)))

    def about_subject(self, subject: str, most: int = 50) -> tuple[Written, ...]:
        """Return what was written about the latest predictions about a subject, up to `most` of them.

        Raises:
            Refused: the keys are others' to read.
        """
        made = self.log.predictions_about(subject, most)
        found = {event.key: event for each in made for event in self._sealed(each.prediction_id)}
        return tuple(map(self._opened, found.values()))

    def _sealed(self, prediction_id: str) -> Iterator[Feedback]:
        for event in self.log.feedback_about(prediction_id):
            if event.item.startswith(COMMITMENT):
                yield event

    def _opened(self, event: Feedback) -> Written:
        return written(event, self.texts.open(owner_of(event), event.item))
