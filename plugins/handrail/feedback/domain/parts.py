"""Parts: immutable files that hold a copy of rows of the log by columns, by day and deployment.

The log stays the record; what is read from parts and from the log's rows behind them is what the log alone would give.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import Literal, NamedTuple

from handrail.feedback.domain.material import Mark

What = Literal["predictions", "events"]
WHATS: tuple[What, ...] = ("predictions", "events")

LOOSE = 0
"""The deployment's number in parts of events whose prediction was not known when they were written."""


@dataclass(frozen=True, slots=True)
class Part:
    """A file with rows of one day and deployment out of the rows numbered `first` to `last`.

    `path` is below the folder of parts. A prediction's `day` is that on which it was made, in UTC, an event's that of
    its prediction; an event whose prediction was not known has the day on which it occurred, and no deployment. `size`
    is in bytes, `sha256` 64 hex digits.
    """

    what: What
    path: str
    day: date
    deployment: str
    first: int
    last: int
    rows: int
    size: int
    sha256: str

    @property
    def is_loose(self) -> bool:
        """Whether it holds events whose prediction was not known when it was written."""
        return not self.deployment


class Reach(NamedTuple):
    """A run of rows that were written together: what they are, the first and the last number."""

    what: What
    first: int
    last: int


def reach_of(part: Part) -> Reach:
    """Return the rows that a part was written together with."""
    return Reach(part.what, part.first, part.last)


def position_of(parts: Iterable[Part]) -> Mark:
    """Return up to where the log is in parts."""
    last = dict.fromkeys(WHATS, 0)
    for part in parts:
        last[part.what] = max(last[part.what], part.last)
    return Mark(last["predictions"], last["events"])


def are_sound(parts: Iterable[Part]) -> bool:
    """Return whether records name the files that they would be written to, and no row twice.

    What is recorded decides which files are read: of a record that says anything else no file can be trusted.
    """
    held = list(parts)
    reaches = set(map(reach_of, held))
    return all(map(is_named, held)) and not overlapping(reaches)


def overlapping(reaches: Iterable[Reach]) -> set[Reach]:
    """Return the reaches that share a row number with another one."""
    found: set[Reach] = set()
    widest: Reach | None = None
    for each in sorted(reaches):
        if widest is not None and widest.what == each.what and each.first <= widest.last:
            found |= {widest, each}
        if widest is None or widest.what != each.what or each.last > widest.last:
            widest = each
    return found


def gaps(what: What, covered: Iterable[Reach], upto: int) -> Iterator[Reach]:
    """Yield the runs of row numbers from 1 to `upto` that no reach covers; the reaches share no number."""
    first = 1
    for each in sorted(covered):
        if each.what == what:
            if each.first > first:
                yield Reach(what, first, min(each.first - 1, upto))
            first = max(first, each.last + 1)
    if first <= upto:
        yield Reach(what, first, upto)


def is_named(part: Part) -> bool:
    """Return whether a record's path is that of the file of its rows and day."""
    begins, ends = f"{part.what}/day={part.day}/deployment_id=", f"/{part.first:012}-{part.last:012}.parquet"
    number = part.path.removeprefix(begins).removesuffix(ends)
    return part.path == f"{begins}{number}{ends}" and number.isdecimal() and part.first <= part.last


@dataclass(frozen=True, slots=True)
class Compacted:
    """What a compaction wrote: rows that were new in parts, files, and of them files that were written again."""

    predictions: int = 0
    events: int = 0
    files: int = 0
    again: int = 0
