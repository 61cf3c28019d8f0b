"""What follows from a comparison for a challenger: its next share, its end, or waiting."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from handrail.delivery.domain.splits import Challenger, End, Role
from handrail.errors import InvalidInput

GOOD = ("better", "no_difference")
"""The answers of a comparison after which a challenger may go on."""
BAD = "worse"
STEPS = (0.05, 0.25, 0.5, 1.0)


@dataclass(frozen=True, slots=True)
class Rollout:
    """How a challenger is led to all subjects: the shares one after another, and how long one share may take.

    Raises:
        InvalidInput: the shares do not grow, or no time is left.
    """

    steps: tuple[float, ...] = STEPS
    within: timedelta = timedelta(days=30)

    def __post_init__(self) -> None:
        grows = all(one < other for one, other in zip(self.steps, self.steps[1:], strict=False))
        if not self.steps or not grows or not all(0 < each <= 1 for each in self.steps):
            raise InvalidInput("steps", f"{list(self.steps)} do not grow up to 1", "Write them as 0.05 0.25 0.5 1.")
        if self.within <= timedelta(0):
            raise InvalidInput("within", f"{self.within} is no time", "Give days above 0.")

    def after(self, share: float) -> float | None:
        """Return the first share above this one, None after the last."""
        return next((each for each in self.steps if each > share), None)


@dataclass(frozen=True, slots=True)
class Judged:
    """What a comparison said of a challenger: its answer, its sentence, and about how many days more it needs."""

    answer: str
    sentence: str
    days_left: float | None = None


@dataclass(frozen=True, slots=True)
class Next:
    """What follows: another share, an end, or nothing but waiting; and why, in a sentence."""

    reason: str
    share: float | None = None
    end: End | None = None
    is_through: bool = False
    """Whether nothing is left but the gate: it answered as far as its role lets it, and was not worse."""


def next_of(rollout: Rollout, challenger: Challenger, since: datetime, now: datetime, judged: Judged) -> Next:
    """Return what follows for a challenger that has its share since a moment.

    Worse ends it at once. Good leads to the next share; in shadow and as a variant, after the last share, and where it
    answers all subjects, it is through. What is not decided waits until the time for one share is over, and then ends
    as inconclusive.
    """
    if judged.answer == BAD:
        return Next(judged.sentence, end=End.ROLLED_BACK)
    if challenger.role is Role.CANARY and challenger.share >= 1:
        return Next("It answers all subjects: nobody is left to compare it with.", is_through=True)
    if judged.answer in GOOD:
        share = rollout.after(challenger.share) if challenger.role is Role.CANARY else None
        return Next(judged.sentence, share=share, is_through=share is None)
    if now - since < rollout.within:
        return Next(judged.sentence)
    more = f" About {_days(judged.days_left)} more would." if judged.days_left else ""
    reason = f"{_days(rollout.within / timedelta(days=1))} at {challenger.share:.2%} decided nothing.{more}"
    return Next(f"{reason} {judged.sentence}", end=End.INCONCLUSIVE)


def since_when(changes: Sequence[tuple[datetime, float, float | None]]) -> datetime | None:
    """Return since when a challenger and the champion have their present shares.

    `changes` are (moment, the champion's share, the challenger's; None: it was not there), the newest first.
    """
    found: datetime | None = None
    for at, champion, share in changes:
        if share is None or (champion, share) != changes[0][1:]:
            break
        found = at
    return found


def _days(count: float) -> str:
    whole = max(round(count), 1)
    return f"{whole:,} day" if whole == 1 else f"{whole:,} days"
