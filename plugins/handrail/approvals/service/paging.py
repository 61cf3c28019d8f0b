"""Lists of requests, page by page: which are wanted, and how far a caller reads on who may not read all of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from handrail.approvals.domain.pages import Listing

View = TypeVar("View")
PageOf = Callable[[int, int], tuple[Sequence[View], int | None]]
"""Looks at no more than some requests after a number; returns those that match, and the number to go on after."""
PAGE = 50
MOST_LOOKED = 1_000
"""After so many requests that do not match a page ends, so that nobody waits for a walk through everything."""


def every_model(_model: str) -> bool:
    """Let all models be read."""
    return True


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which requests a list has: of one alias or of all, only open ones, of models that `reads` lets be read.

    `ended` is whether the log says that they were promoted or became void; None is both. A request that decisions or
    rules have closed, such as a rejected one, has not ended.

    Oldest first; with `newest` the latest first, and 0 is the end.
    """

    alias: str | None = None
    only_open: bool = False
    newest: bool = False
    reads: Callable[[str], bool] = every_model
    ended: bool | None = None

    @property
    def listing(self) -> Listing:
        """The part that the log answers."""
        unended = self.only_open or self.ended is False
        return Listing(self.alias, only_unended=unended, newest=self.newest, only_ended=self.ended is True)


EVERYTHING = Wanted()


def all_pages(page: PageOf[View]) -> Sequence[View]:
    """Return what all pages hold, one after the other."""
    after: int | None = 0
    found: list[View] = []
    while after is not None:
        views, after = page(after, PAGE)
        found += views
    return found


def read_on(page: PageOf[View], after: int, most: int) -> tuple[Sequence[View], int | None]:
    """Return up to `most` requests that match, and the number to go on after only where another one matches.

    What does not match, as it may not be read, shows neither in gaps nor in a number to go on after.
    """
    found: list[View] = []
    on: int | None = after
    looked = 0
    while on is not None and len(found) < most and looked < MOST_LOOKED:
        wanted = most - len(found)
        views, on = page(on, wanted)
        found, looked = [*found, *views], looked + wanted
    ahead, wanted = on, 1
    while ahead is not None and looked < MOST_LOOKED:
        views, ahead = page(ahead, wanted)
        if views:
            return found, on
        looked, wanted = looked + wanted, min(2 * wanted, PAGE)
    return found, None if ahead is None else on
