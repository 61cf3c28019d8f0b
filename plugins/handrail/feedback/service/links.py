"""What is done with links: made for one prediction, looked at, and answered again by whoever changes their mind."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from handrail.clock import system_time
from handrail.errors import InvalidInput, Refused
from handrail.feedback.domain.kinds import Kind
from handrail.feedback.domain.links import LONGEST, SOURCE, Link, seal, unseal
from handrail.feedback.domain.values import Feedback
from handrail.feedback.service.log import FeedbackLog

MOST_ANSWERS = 50
"""So often one may change one's mind: a link writes no more rows than that."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a link asks: its content, the rules of the kind, and what was answered by links before, if anything."""

    link: Link
    kind: Kind
    answered: float | None


@dataclass(frozen=True, slots=True)
class Links:
    """Makes links and takes answers. `secret` gives the installation's secret, None where there is none (any more)."""

    log: FeedbackLog
    secret: Callable[[], bytes | None]
    now: Callable[[], datetime]
    """Event time, for what is recorded; whether a link has expired is a matter of system time."""

    def make(self, prediction_id: str, kind: str, expires: timedelta, question: str = "") -> str:
        """Return the token of a link that is good for so long.

        Raises:
            UnknownReference: the kind is not declared.
            InvalidInput: links may not report the kind, or a value is out of its bounds.
        """
        self.log.kind(kind).check_source(SOURCE)
        if not timedelta(0) < expires <= LONGEST:
            raise InvalidInput("expires", "it is not a time of up to ten years", "Give a length such as 7d or 12h.")
        moment = self.now()
        Feedback(prediction_id, kind, 0.0, SOURCE, 0, moment, moment)  # refuses what is no prediction id
        secret = self.secret()
        if secret is None:
            raise Refused("A link", ("There is no key for it.",))
        return seal(Link(prediction_id, kind, system_time() + expires, question), secret)

    def look(self, token: str) -> Asked:
        """Return what a link asks. Nothing is recorded, however often it is looked at.

        Raises:
            ForeignLink: it was not made here.
            ExpiredLink: its time is over.
            UnknownReference: the kind is declared no more.
        """
        link = unseal(token, self.secret(), system_time())
        said = self._said(link)
        return Asked(link, self.log.kind(link.kind), said[-1].value if said else None)

    def answer(self, token: str, value: float) -> bool:
        """Record what the holder of a link says; return whether it is new. It supersedes what was said before.

        Raises:
            ForeignLink: it was not made here.
            ExpiredLink: its time is over.
            InvalidInput: the kind does not allow the value.
            Refused: the holder has changed their mind too often.
        """
        asked = self.look(token)
        asked.kind.check(value)
        if asked.answered == value:
            return False
        link, now = asked.link, self.now()
        if len(self._said(link)) >= MOST_ANSWERS:
            raise Refused("One more answer", (f"This link was answered {MOST_ANSWERS} times.",))
        before = [each.revision for each in self.log.feedback_about(link.prediction_id) if each.kind == link.kind]
        revision = max(before, default=-1) + 1
        event = Feedback(link.prediction_id, link.kind, value, SOURCE, revision, now, now)
        return self.log.record_feedback([event]).accepted > 0

    def _said(self, link: Link) -> list[Feedback]:
        """Return what links said, in order; what others said is not for the holder of a link."""
        about = self.log.feedback_about(link.prediction_id)
        return [each for each in about if each.kind == link.kind and each.source == SOURCE]
