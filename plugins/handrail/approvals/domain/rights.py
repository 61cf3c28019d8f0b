"""Who may do what about a promotion beside approving it, as a policy names them by their roles."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Action(StrEnum):
    """What a policy gives to roles by a key of this name; who approves stands in its quorum."""

    REQUEST = "request"
    REJECT = "reject"
    REVOKE = "revoke"
    ROLL_BACK = "roll_back"
    BREAK_GLASS = "break_glass"


@dataclass(frozen=True, slots=True)
class Glass:
    """What holds when the glass is broken: for how many hours, and whether makers of the version may."""

    hours: int = 24
    by_makers: bool = False

    def to_json(self) -> dict[str, Any]:
        """Return what is said, and nothing of what holds anyway."""
        said = {"break_glass_hours": self.hours, "break_glass_by_makers": self.by_makers}
        silent = {"break_glass_hours": Glass().hours, "break_glass_by_makers": Glass().by_makers}
        return {name: value for name, value in said.items() if value != silent[name]}


@dataclass(frozen=True, slots=True)
class Rights:
    """The roles that a policy names for each action; an empty set where it names none."""

    request: frozenset[str] = frozenset()
    reject: frozenset[str] = frozenset()
    roll_back: frozenset[str] = frozenset()
    break_glass: frozenset[str] = frozenset()

    def to_json(self) -> dict[str, list[str]]:
        """Return what is said, and nothing of what holds anyway."""
        said = {name: sorted(getattr(self, name)) for name in ("request", "reject", "roll_back", "break_glass")}
        return {name: roles for name, roles in said.items() if roles}
