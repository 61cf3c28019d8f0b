"""How long a moving name stayed where it pointed, and who answers for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import groupby

from handrail.lineage.domain.graph import Pointer
from handrail.refs import ModelAlias


@dataclass(frozen=True, slots=True)
class Period:
    """Where a name pointed from `since` until `until` (None: still); `agents` are those who allowed it, if known.

    No target means that the name was taken away. `by` is what moved it: an `actor://` URI, or a permit's.
    """

    name: str
    target: str | None
    since: datetime
    until: datetime | None
    by: str
    agents: tuple[str, ...] = ()

    def covers(self, moment: datetime) -> bool:
        """Return whether the name pointed there at a moment."""
        return self.since <= moment and (self.until is None or moment < self.until)


def periods(history: Sequence[Pointer]) -> tuple[Period, ...]:
    """Return the periods in a name's rows, oldest first.

    Of several rows at one moment the last counts; a row that repeats the target before it begins nothing new.
    """
    moves = [list(rows)[-1] for _, rows in groupby(history, key=lambda row: row.at)]
    found: list[Period] = []
    for row in moves:
        if found and found[-1].target == row.target:
            continue
        if found:
            found[-1] = replace(found[-1], until=row.at)
        found.append(Period(row.name, row.target, row.at, None, row.by))
    return tuple(found)


def ends_in(name: str, given: str) -> bool:
    """Return whether a moving name is `given`, or ends in it as a word."""
    return name == given or name.endswith((f"@{given}", f"/{given}", f" {given}"))


def match_name(given: str, names: Sequence[str]) -> tuple[str, ...]:
    """Return the names that `given` may mean: itself or the alias of that name, else those that end in it as a word.

    If there are none, those that hold it.
    """
    for exact in (given, f"{ModelAlias.PREFIX}{given}"):
        if exact in names:
            return (exact,)
    ends = tuple(name for name in names if ends_in(name, given))
    return ends or tuple(name for name in names if given in name)
