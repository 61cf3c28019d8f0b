"""Which versions answer beside the champion of a slot, and about which subjects."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from handrail.delivery.domain.slots import Slot
from handrail.errors import InvalidInput, UnknownReference
from handrail.shares import FALLBACK, place_of

CHAMPION = "champion"
MOST_SERVED = 2
"""So many challengers may be served at a time: one grows from each end, and neither takes a subject from the other."""
MOST_IN_SHADOW = 2
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
RESERVED = (CHAMPION, FALLBACK)


class Role(StrEnum):
    """What a challenger's answers are for."""

    SHADOW = "shadow"
    """Its answers are recorded, and nobody gets them."""
    CANARY = "canary"
    """It answers a share of the subjects, which grows until it answers all."""
    VARIANT = "variant"
    """It answers a share of the subjects that stays, to be compared with the champion."""


@dataclass(frozen=True, slots=True)
class Challenger:
    """A version beside the champion.

    `name` is the variant of its predictions, `share` the share of subjects that it answers (more than 0, up to 1),
    `alias` the use that its permit allows, `deployment` the URI that its predictions name. `from_above` says from which
    end its share grows, so that it keeps its subjects when another challenger ends.
    """

    name: str
    role: Role
    share: float
    model_version: str
    tree_digest: str
    alias: str
    deployment: str
    from_above: bool = False

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name) or self.name in RESERVED:
            remedy = f"Use up to 40 lower-case letters, digits and hyphens, and none of {', '.join(RESERVED)}."
            raise InvalidInput("name", f"{self.name!r:.80} names no challenger", remedy)
        if not math.isfinite(self.share) or not 0 < self.share <= 1:
            raise InvalidInput("share", f"{self.share!r} is no share", "Give more than 0, up to 1: 0.05 is 5 %.")


@dataclass(frozen=True, slots=True)
class Assigned:
    """Who answers about a subject, and how likely that was; None where it was no choice."""

    name: str
    propensity: float | None


@dataclass(frozen=True, slots=True)
class Split:
    """The challengers of a slot. The champion answers the subjects that no challenger with a served role answers.

    `salt` decides together with a subject alone who answers; while it stays, a share that grows only adds subjects,
    and one that shrinks only gives them back to the champion.
    """

    slot: Slot
    salt: str
    challengers: tuple[Challenger, ...] = ()

    def __post_init__(self) -> None:
        if not self.salt:
            raise InvalidInput("salt", "it is empty", "Give a name; it decides who answers about which subject.")
        names = [each.name for each in self.challengers]
        if twice := next((name for name in names if names.count(name) > 1), None):
            raise InvalidInput(
                "name", f"{twice!r} is taken", "Give each challenger a name of its own, or end that one."
            )
        served = sum(each.share for each in self.served)
        if served > 1 + 1e-9:
            problem = f"challengers would answer {served:.4g} of all subjects"
            raise InvalidInput("share", problem, "Give shares that sum to 1 at most; the champion answers the rest.")
        counted = (("served", len(self.served), MOST_SERVED), ("in shadow", len(self.shadows), MOST_IN_SHADOW))
        for kind, count, most in counted:
            if count > most:
                raise InvalidInput("role", f"{count} challengers would be {kind}", f"End one: {most} is the most.")

    @property
    def served(self) -> tuple[Challenger, ...]:
        """Those whose answers people get."""
        return tuple(each for each in self.challengers if each.role is not Role.SHADOW)

    @property
    def shadows(self) -> tuple[Challenger, ...]:
        """Those whose answers are only recorded."""
        return tuple(each for each in self.challengers if each.role is Role.SHADOW)

    def shares(self) -> dict[str, float]:
        """Return the share of subjects of everybody whose answers people get, the champion first."""
        taken = {each.name: each.share for each in self.served}
        return {CHAMPION: max(1 - sum(taken.values()), 0.0)} | taken

    def assigned(self, subject: str) -> Assigned:
        """Return who answers about a subject."""
        place = place_of(subject, self.salt)
        for each in self.served:
            if (1 - place <= each.share) if each.from_above else (place < each.share):
                return Assigned(each.name, each.share)
        return Assigned(CHAMPION, self.shares()[CHAMPION])

    def in_shadow(self, subject: str) -> Iterator[Challenger]:
        """Yield those that answer about a subject in shadow, drawn independently of who is served."""
        return (each for each in self.shadows if place_of(subject, f"{self.salt} {each.name}") < each.share)

    def challenger(self, name: str) -> Challenger:
        """Return the challenger of that name.

        Raises:
            UnknownReference: there is none.
        """
        found = next((each for each in self.challengers if each.name == name), None)
        if found is None:
            known = ", ".join(each.name for each in self.challengers) or "none"
            raise UnknownReference("challenger", name, f"There are: {known}.")
        return found

    def having(self, challenger: Challenger) -> Split:
        """Return the split with one challenger more, whose share grows from the end that is free.

        Raises:
            InvalidInput: it does not fit beside the others.
        """
        free = all(each.from_above for each in self.served)
        return replace(self, challengers=(*self.challengers, replace(challenger, from_above=not free)))

    def sharing(self, name: str, share: float) -> Split:
        """Return the split with another share of one challenger, which keeps its place.

        Raises:
            UnknownReference: there is none of that name.
            InvalidInput: the shares do not fit.
        """
        changed = replace(self.challenger(name), share=share)
        return replace(self, challengers=tuple(changed if each.name == name else each for each in self.challengers))

    def without(self, name: str) -> Split:
        """Return the split without one challenger.

        Raises:
            UnknownReference: there is none of that name.
        """
        gone = self.challenger(name)
        return replace(self, challengers=tuple(each for each in self.challengers if each is not gone))


class End(StrEnum):
    """How a challenger's time beside the champion ended."""

    PROMOTED = "promoted"
    """It became the champion."""
    ROLLED_BACK = "rolled back"
    """Somebody, or a limit, took its traffic away."""
    INCONCLUSIVE = "inconclusive"
    """Nothing was shown; the reason says which limit ended it, and what would have."""
    ERRORED = "errored"
    """It could not answer."""


@dataclass(frozen=True, slots=True)
class Change:
    """One change of a slot's split, as it is recorded: the split from then on, who changed it when and why.

    `number` counts the changes of a slot from 1. `ended` is the challenger whose time ended, and `end` how.
    """

    number: int
    split: Split
    at: datetime
    by: str
    reason: str
    ended: str = ""
    end: End | None = None
