"""What a service got to know before it predicted: features as columns, and which of them it lacked, and why.

How they are read is not here: a feature store of any make may give a `Reading`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

LONGEST = 500


class Why(StrEnum):
    """Why features are lacking: the store is away, timed out or answers wrong types, or holds nothing fresh."""

    AWAY = "away"
    LATE = "timed out"
    WRONG_TYPE = "wrong type"
    STALE = "stale"
    MISSING = "missing"


@dataclass(frozen=True, slots=True)
class Lack:
    """Features of one view that could not be read as they should be; `defaulted` names those that a default replaced.

    The others count as unknown, as a model was trained with them.
    """

    view: str
    why: Why
    features: tuple[str, ...]
    defaulted: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return it as an answer holds it."""
        return {
            "view": self.view,
            "why": self.why.value,
            "features": list(self.features),
            "defaulted": list(self.defaulted),
        }


@dataclass(frozen=True, slots=True)
class Reading:
    """Features by name, a list of n values each, in the order of what was asked; None where unknown.

    `lacks` holds by the place of a row what it lacked, and nothing for a row that lacked nothing.
    """

    columns: Mapping[str, Sequence[Any]]
    lacks: Mapping[int, tuple[Lack, ...]] = field(default_factory=dict)


def lacking_text(lacks: Sequence[Lack]) -> str:
    """Return lacks as one short text, such as `away:prices,stock`; the order of lacks does not count.

    It is recorded with a prediction, so that those made without all features can be counted apart.
    """
    views: dict[str, list[str]] = {}
    for lack in lacks:
        views.setdefault(lack.why.value, []).append(lack.view)
    text = ";".join(f"{why}:{','.join(sorted(set(of)))}" for why, of in sorted(views.items()))
    if len(text) <= LONGEST:
        return text
    return ";".join(f"{why}:{len(set(of))} views" for why, of in sorted(views.items()))
