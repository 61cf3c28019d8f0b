"""What a slot pointed at, one deployment after the other, and what became of each change of its champion."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from handrail.delivery.domain.slots import Slot

ROLLBACK = "rollback by "
"""So begins who moved a pointer back: a rollback is no deployment, and the one before it is looked for behind it."""


@dataclass(frozen=True, slots=True)
class Move:
    """A slot's pointer named a deployment (its URI; None: it was emptied) from a moment on, system time."""

    target: str | None
    at: datetime
    by: str

    @property
    def is_rollback(self) -> bool:
        """Whether the pointer went back, by a person or by the service itself."""
        return self.by.startswith(ROLLBACK)


class Outcome(StrEnum):
    """What became of a deployment in the running service."""

    SERVED = "served"
    """It answers since then."""
    REFUSED = "refused"
    """It may not or cannot be served; the one before it answers on."""
    ROLLED_BACK = "rolled back"
    """The slot went from it back to the one before."""


@dataclass(frozen=True, slots=True)
class Swap:
    """One record: what became of `deployment`, and which one answers or answered beside it, both by URI.

    `other` is empty where none did. `at` is system time.
    """

    slot: Slot
    at: datetime
    by: str
    outcome: Outcome
    deployment: str
    other: str
    reason: str


def earlier(moves: Sequence[Move]) -> list[str]:
    """Return the deployments before the present one, the last first, each once; `moves` are the oldest first.

    What came after the present one is not among them, and what was rolled back is not until it is deployed anew.
    """
    deployed: list[str] = []
    rolled_back: set[str | None] = set()
    now: str | None = None
    for move in moves:
        if move.is_rollback:
            rolled_back.add(now)
        elif move.target is not None:
            deployed.append(move.target)
            rolled_back.discard(move.target)
        now = move.target
    if now in deployed:
        deployed = deployed[: len(deployed) - 1 - deployed[::-1].index(now)]
    return [uri for uri in dict.fromkeys(reversed(deployed)) if uri != now and uri not in rolled_back]
