"""Which event can come next in a history, whoever says that it happened. Persons and policies are judged elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from handrail.approvals.domain.events import (
    Answered,
    Choice,
    Decided,
    Evaluated,
    Event,
    History,
    MoveAbandoned,
    MoveDone,
    MoveIntended,
    Published,
    Reverting,
    Revoked,
    Voided,
)
from handrail.approvals.domain.questions import open_questions

CLOCKS_APART = timedelta(minutes=5)
"""How far the moment of an event may be from the clock of who stores it."""


def why_impossible(history: History, event: Event, now: datetime) -> str | None:
    """Return why this event cannot be the next one at this moment, None if it can; what is unknown cannot."""
    if abs(event.at - now) > CLOCKS_APART:
        return f"It is said to have happened at {event.at.isoformat()}, and the clock here says {now.isoformat()}."
    if history.events and event.at < history.events[-1].at - CLOCKS_APART:
        return f"It is said to have happened at {event.at.isoformat()}, before what is stored already."
    ask = _NEXT.get(type(event))
    return ask(history, event) if ask else f"Nobody knows when a {type(event).__name__} can happen."


def _ended(history: History) -> str | None:
    if history.done:
        return "The alias has moved already."
    return "The request is void." if history.voided else None


def _resting(history: History, _event: Event) -> str | None:
    return _ended(history) or ("The alias is being moved." if history.open_move else None)


def _moving(history: History, _event: Event) -> str | None:
    return _ended(history) or (None if history.open_move else "No move was intended.")


def _decided(history: History, event: Event) -> str | None:
    assert isinstance(event, Decided)
    last = next((one for one in history.decisions if one.person == event.person), None)
    if any(one.choice is Choice.REJECT for one in history.decisions):
        return "A rejection is final."
    if last and last.choice is event.choice is not Choice.ASK:
        return f"{event.person!r} has said so already."
    return _resting(history, event)


def _answered(history: History, event: Event) -> str | None:
    assert isinstance(event, Answered)
    if event.question not in {question.number for question in open_questions(history)}:
        return f"No question {event.question} is open."
    return _resting(history, event)


def _evaluated(history: History, event: Event) -> str | None:
    assert isinstance(event, Evaluated)
    if not history.awaits_evaluation:
        return "It waits for no evaluation."
    if event.snapshot != history.request.subject.snapshot:
        return "It was measured on another snapshot."
    return _resting(history, event)


def _published(history: History, _event: Event) -> str | None:
    if not history.done:
        return "There is no permit yet."
    return "It was published already." if history.is_published else None


def _revoked(history: History, _event: Event) -> str | None:
    if not history.done:
        return "There is no permit yet."
    return "The permit was taken back already." if history.revoked else None


def _reverting(history: History, event: Event) -> str | None:
    return "The gate goes back already." if history.reverting else _resting(history, event)


_NEXT: Mapping[type[Event], Callable[[History, Event], str | None]] = {
    Decided: _decided,
    Answered: _answered,
    Evaluated: _evaluated,
    Voided: _resting,
    MoveIntended: _resting,
    MoveDone: _moving,
    MoveAbandoned: _moving,
    Published: _published,
    Revoked: _revoked,
    Reverting: _reverting,
}
