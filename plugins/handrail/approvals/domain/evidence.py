"""How far a piece of evidence can be trusted, and what is known about a measure at which level."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Level(StrEnum):
    """The levels of trust, from the sender's word up; a rule is met at its level or a higher one.

    `claimed` is the sender's word, `bound` a file of a run on this server that the gate has read itself, `attested` a
    statement that a pipeline has signed, `recomputed` a measurement of the gate's own evaluator, `prospective` one on
    labels that became known after the version was made.
    """

    CLAIMED = "claimed"
    BOUND = "bound"
    ATTESTED = "attested"
    RECOMPUTED = "recomputed"
    PROSPECTIVE = "prospective"

    def reaches(self, wanted: Level) -> bool:
        """Say whether this is the wanted level or a higher one."""
        levels = list(Level)
        return levels.index(self) >= levels.index(wanted)


@dataclass(frozen=True, slots=True)
class Evidence:
    """Evidence by name, all of one level; `by` is who answers for it."""

    level: Level
    by: str
    content: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Found:
    """The value of a measure, its level, and who answers for it."""

    value: Any
    level: Level
    by: str

    @property
    def source(self) -> str:
        """The level and who answers for it, as a sentence names them: `claimed by ada`."""
        return f"{self.level} by {self.by}"


def find(measure: str, evidence: Iterable[Evidence]) -> tuple[Found, ...]:
    """Return what is known about a measure, the most trusted first.

    `measure` is the name of a piece of evidence and the keys inside it, joined by dots.
    """
    found = [
        Found(value, piece.level, piece.by)
        for piece in evidence
        for value in _inside(piece.content, measure.split("."))
    ]
    return tuple(sorted(found, key=lambda one: list(Level).index(one.level), reverse=True))


def _inside(content: Any, keys: Sequence[str]) -> tuple[Any, ...]:
    for key in keys:
        if not isinstance(content, Mapping) or key not in content:
            return ()
        content = content[key]
    return (content,)


def merged(evidence: Iterable[Evidence]) -> dict[str, Any]:
    """Return all evidence by name, the more trusted in front: to say which names are there."""
    ordered = sorted(evidence, key=lambda one: list(Level).index(one.level))
    return {name: content for piece in ordered for name, content in piece.content.items()}
