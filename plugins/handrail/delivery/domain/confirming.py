"""Whether a controller of another system may go on with a rollout: by verdict and by permit, and no without either."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from handrail.delivery.domain.splits import End, Role
from handrail.delivery.domain.steps import BAD, GOOD

WHILE = {Role.SHADOW: "in shadow", Role.CANARY: "as a canary", Role.VARIANT: "as a variant"}


class Hook(StrEnum):
    """What a controller asks before it acts; the names are those of Flagger's webhooks."""

    ROLLOUT = "confirm-rollout"
    """May it begin to answer some of the requests?"""
    INCREASE = "confirm-traffic-increase"
    """May it answer more of them?"""
    PROMOTION = "confirm-promotion"
    """May it become the champion?"""
    ROLLBACK = "rollback"
    """Does it have to be taken back?"""


class Go(StrEnum):
    """The answer to a controller."""

    YES = "yes"
    WAIT = "wait"
    """Not now: people or outcomes are missing."""
    NO = "no"
    """It was worse, it ended, or nobody permits it."""


@dataclass(frozen=True, slots=True)
class Standing:
    """What is known of a challenger.

    `role` and `share` are None where it is not beside the champion; `permitted` are the roles and the alias of the
    champion that a permit allows it, `champion` is that alias. `verdicts` has the last answer of a comparison by role,
    made with the present share; `ended` and `reason` say how its time beside the champion ended.
    """

    name: str
    champion: str
    permitted: frozenset[str]
    verdicts: dict[Role, str]
    role: Role | None = None
    share: float | None = None
    ended: End | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Confirmation:
    """The answer to a hook, and why."""

    go: Go
    sentence: str


def confirm(hook: Hook, known: Standing) -> Confirmation:
    """Answer a hook. What is not known is no."""
    if failed := _failed(known):
        return Confirmation(Go.YES if hook is Hook.ROLLBACK else Go.NO, failed)
    if hook is Hook.ROLLBACK:
        return Confirmation(Go.NO, f"{known.name} was not found to be worse, and did not fail.")
    needed = (known.champion,) if hook is Hook.PROMOTION else (Role.CANARY.value, known.champion)
    if not known.permitted.intersection(needed):
        return Confirmation(Go.NO, f"No permit allows {known.name} as {needed[0]}: ask the gate for its promotion.")
    if hook is Hook.ROLLOUT:
        return _by_verdict(known, Role.SHADOW)
    if known.role not in (Role.CANARY, Role.VARIANT):
        return Confirmation(Go.WAIT, f"{known.name} answers no request yet: it is no canary here.")
    if known.share is not None and known.share >= 1:
        return Confirmation(Go.YES, f"{known.name} answers every request already, and was not worse on the way.")
    return _by_verdict(known, known.role)


def _failed(known: Standing) -> str:
    """Return why it has to be taken back, empty if it has not."""
    if known.ended in (End.ROLLED_BACK, End.ERRORED):
        return f"{known.name} ended as {known.ended.value}: {known.reason}"
    bad = next((role for role, answer in known.verdicts.items() if answer == BAD), None)
    return f"{known.name} was worse than the champion {WHILE[bad]}." if bad else ""


def _by_verdict(known: Standing, role: Role) -> Confirmation:
    answer = known.verdicts.get(role)
    if answer in GOOD:
        return Confirmation(Go.YES, f"{known.name} was not worse than the champion {WHILE[role]}, and is permitted.")
    said = f"nothing is decided yet ({answer})" if answer else "nothing was compared with its present share yet"
    return Confirmation(Go.WAIT, f"{known.name} {WHILE[role]}: {said}.")
