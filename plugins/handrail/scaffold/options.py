"""What a person decides about a new project: with flags, or when asked; None and () leave it to a guess."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from handrail.errors import InvalidInput

NONE = "none"
"""The answer that a table has no such column."""


@dataclass(frozen=True, slots=True)
class Options:
    """The flags of `handrail init`; columns are named as in the table."""

    label: str
    subject: str | None = None
    time: str | None = None
    known_at: str | None = None
    entities: tuple[str, ...] = ()
    kind: str | None = None
    positive: str | None = None
    leave_out: tuple[str, ...] = ()
    keep: tuple[str, ...] = ()
    text: tuple[str, ...] = ()
    name: str | None = None
    zone: str | None = None


@dataclass(frozen=True, slots=True)
class Question:
    """A guess that somebody may correct: `flag` does it without a question."""

    flag: str
    text: str
    guess: str
    choices: tuple[str, ...] = ()


Ask = Callable[[Question], str]


def take_guesses(question: Question) -> str:
    """Answer as nobody does: the guess counts."""
    return question.guess


def column_named(name: str, flag: str, names: Sequence[str]) -> str:
    """Return the column that somebody named, also in other letters if one column alone fits.

    Raises:
        InvalidInput: there is none; the nearest ones are named.
    """
    if name in names:
        return name
    alike = [each for each in names if each.strip().casefold() == name.strip().casefold()]
    if len(alike) == 1:
        return alike[0]
    near = difflib.get_close_matches(name, names, n=3, cutoff=0.5)
    shown = " or ".join(map(repr, near)) if near else f"one of {', '.join(map(repr, names[:8]))}"
    more = "" if near or len(names) <= 8 else f" and {len(names) - 8} others"
    raise InvalidInput(flag, f"the table has no column {name!r}", f"Write {shown}{more}.")


def columns_matching(patterns: Sequence[str], flag: str, names: Sequence[str]) -> tuple[str, ...]:
    """Return the columns that somebody named, or by a pattern as in 'raw_*'.

    Raises:
        InvalidInput: one fits no column.
    """
    found: dict[str, None] = {}
    for pattern in patterns:
        matching = [] if pattern in names else [name for name in names if fnmatchcase(name, pattern)]
        found |= dict.fromkeys(matching or [column_named(pattern, flag, names)])
    return tuple(found)
