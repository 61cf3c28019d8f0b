"""Whose turn it is to train a challenger, and which limit holds one back. Nothing here reads or writes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

WEEK = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class TurnLimits:
    """What holds back an automation: a pause after each training, how many a week, and how often one is tried."""

    cooldown_hours: float = 24
    most_a_week: int = 3
    attempts: int = 3


@dataclass(frozen=True, slots=True)
class Turn:
    """One trigger that trained, or tried to.

    `asked` is what an attempt is made again with, as JSON text. `began_at` and `ended_at` are event time. `outcome` is
    what the training ended with, as JSON text; None while it runs, or if every attempt so far was killed or failed;
    `problem` is how the last one failed.
    """

    trigger: str
    automatic: bool
    asked: str
    began_at: datetime
    attempts: int
    ended_at: datetime | None = None
    outcome: str | None = None
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class Lease:
    """Who trains, where and why; `left_s` are the seconds until it is lost without a sign of life, negative after."""

    holder: str
    place: str
    trigger: str
    left_s: float

    @property
    def live(self) -> bool:
        """Whether the holder may still be at work."""
        return self.left_s > 0


@dataclass(frozen=True, slots=True)
class TurnChange:
    """What one change writes: a turn, one that is forgotten, and a lease that is taken or, if it is `freed`, ended."""

    put: Turn | None = None
    forget: str | None = None
    take: Lease | None = None
    freed: bool = False


def held_back(trigger: str, now: datetime, turns: Sequence[Turn], limits: TurnLimits) -> str | None:
    """Return the limit that an automation's trigger meets now, with when it may come again; None if it may train.

    Args:
        trigger: what asks; one that began before may go on whatever the cool-down and the budget say.
        now: event time.
        turns: every turn that began or ended within the longer of cool-down and week.
        limits: those of the project.
    """
    known = next((each for each in turns if each.trigger == trigger), None)
    if known is not None:
        return None if known.attempts < limits.attempts else _given_up(known)
    last = max(turns, key=_seen, default=None)
    if last is not None and now < _seen(last) + timedelta(hours=limits.cooldown_hours):
        over = _seen(last) + timedelta(hours=limits.cooldown_hours)
        return (
            f"{last.trigger} trained at {_shown(_seen(last))}, and the cool-down is {limits.cooldown_hours:g} hours "
            f"(cooldown_hours): next at {_shown(over)}."
        )
    spent = sorted(each.began_at for each in turns if each.began_at > now - WEEK)
    if len(spent) >= limits.most_a_week:
        free = spent[len(spent) - limits.most_a_week] + WEEK
        return (
            f"{len(spent)} challengers were trained within a week, and the budget is {limits.most_a_week} "
            f"(most_a_week): next at {_shown(free)}."
        )
    return None


def _seen(turn: Turn) -> datetime:
    return turn.ended_at or turn.began_at


def _given_up(turn: Turn) -> str:
    why = f"The last one ended so: {turn.problem}" if turn.problem else "The last one was killed."
    return f"It was tried {turn.attempts} times, the limit (attempts). {why} Mend that, and start a run by hand."


def _shown(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"
