"""Questions about a request: who asked what, what was answered, and how long the request did not wait for decisions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from handrail.approvals.domain.events import Answered, Choice, Decided, History


@dataclass(frozen=True, slots=True)
class Question:
    """A question by its number, from 1 on; `ended` is when it was answered or the person decided without an answer."""

    number: int
    asked: Decided
    answered: Answered | None
    ended: datetime | None

    @property
    def is_open(self) -> bool:
        """Whether the request waits for an answer to it."""
        return self.ended is None

    def to_json(self) -> dict[str, Any]:
        """Return question and answer as JSON values; no answer is None."""
        answered = self.answered
        return {
            "number": self.number,
            "person": self.asked.person,
            "question": self.asked.reason,
            "at": self.asked.at.isoformat(),
            "open": self.is_open,
            "answer": answered.answer if answered else None,
            "answered_by": answered.person if answered else None,
            "answered_at": answered.at.isoformat() if answered else None,
        }


def questions_of(history: History) -> tuple[Question, ...]:
    """Return the questions about a request, in the order in which they were asked."""
    asked = [
        (position, event)
        for position, event in enumerate(history.events)
        if isinstance(event, Decided) and event.choice is Choice.ASK
    ]
    return tuple(_question(number, place, history) for number, place in enumerate(asked, 1))


def _question(number: int, place: tuple[int, Decided], history: History) -> Question:
    position, asked = place
    later = history.events[position + 1 :]
    answers = (event for event in later if isinstance(event, Answered) and event.question == number)
    answered = next(answers, None)
    decided = (
        event
        for event in later
        if isinstance(event, Decided) and event.person == asked.person and event.choice is not Choice.ASK
    )
    ends = [event.at for event in (answered, next(decided, None)) if event]
    return Question(number, asked, answered, min(ends, default=None))


def open_questions(history: History) -> tuple[Question, ...]:
    """Return the questions that the request waits for an answer to."""
    return tuple(question for question in questions_of(history) if question.is_open)


def waits_for_answers(history: History) -> tuple[str, ...]:
    """Return a sentence for each open question."""
    return tuple(
        f"It waits for an answer to {question.asked.person}: {question.asked.reason!r}"
        for question in open_questions(history)
    )


def waited(history: History, until: datetime) -> timedelta:
    """Return how long a request has waited for decisions by a moment: the clock stands while a question is open."""
    opened = history.request.opened_at
    return max(until - opened, timedelta()) - sum(_stops(history, until), timedelta())


def _stops(history: History, until: datetime) -> Iterator[timedelta]:
    """Yield how long the clock stood, each time; several questions at once stop it once."""
    stopped_until = history.request.opened_at
    for question in questions_of(history):
        begun = max(question.asked.at, stopped_until)
        ended = min(question.ended or until, until)
        if ended > begun:
            yield ended - begun
            stopped_until = ended
