"""What a list of requests comes in, and what is kept for one account."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice

from handrail.approvals.domain.events import History

PAGE_CHARACTERS = 4_000_000


@dataclass(frozen=True, slots=True)
class Listing:
    """Which requests are wanted: of one alias or of all; only the promoted; those void or promoted, or all but those.

    Oldest first and after a number; with `newest` the latest first and before the number, where 0 is the end.
    """

    alias: str | None = None
    only_unended: bool = False
    newest: bool = False
    only_promoted: bool = False
    only_ended: bool = False


EVERY = Listing()


@dataclass(frozen=True, slots=True)
class Page:
    """Some requests, and the number to go on after, or before; None at the end."""

    histories: tuple[History, ...]
    after: int | None


@dataclass(frozen=True, slots=True)
class Kept:
    """The requests of one account: ids of those that are neither void nor promoted, and the characters of all."""

    unended: tuple[str, ...]
    size: int


def first_that_fit(sized: Iterable[tuple[int, int]], most: int) -> list[int]:
    """Return the numbers of the first rows, each with its size in characters, that fit into a page; one at least."""
    numbers: list[int] = []
    room = PAGE_CHARACTERS
    for number, size in islice(sized, most):
        room -= size
        if room < 0 and numbers:
            break
        numbers.append(number)
    return numbers
