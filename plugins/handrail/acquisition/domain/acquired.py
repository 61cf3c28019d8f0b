"""What an acquisition gave."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from handrail.acquisition.domain.changes import SchemaChange
from handrail.acquisition.domain.pages import Position


@dataclass(frozen=True, slots=True)
class Taken:
    """What one page became: rows that are new, that replace an earlier row of their key, that were there already."""

    new: int = 0
    corrected: int = 0
    repeated: int = 0
    aside: int = 0

    def __add__(self, other: Taken) -> Taken:
        return Taken(
            self.new + other.new,
            self.corrected + other.corrected,
            self.repeated + other.repeated,
            self.aside + other.aside,
        )


@dataclass(frozen=True, slots=True)
class Manifest:
    """All rows of a table that are known: how many, and the sha256 of their keys and values in the order of keys."""

    table: str
    source: str
    rows: int
    digest: str


@dataclass(frozen=True, slots=True)
class Acquired:
    """What came, when it became known, how far we are, what was set aside and why.

    `known_at` is the moment since which the newest row is known, None if there is no row. `watermark` is the position
    of the source. `quarantine` counts what was set aside so far, by reason. `taken` is what this run alone did.
    """

    manifest: Manifest
    known_at: datetime | None
    watermark: Position | None
    quarantine: Mapping[str, int]
    taken: Taken = field(default_factory=Taken)
    changes: Sequence[SchemaChange] = ()
