"""Removes what people wrote once it was kept as long as its kind says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from handrail.errors import HandrailError
from handrail.feedback.erasure_ports import Leftovers
from handrail.feedback.review_ports import SealedTexts


@dataclass(frozen=True, slots=True)
class Kept:
    """What was kept long enough of a kind: how long that is, how many texts there are, and whether they are gone."""

    kind: str
    days: int
    texts: int
    is_removed: bool


@dataclass(frozen=True, slots=True)
class Retention:
    """Removes texts by their age. `kept` says for each kind how long they are kept."""

    texts: SealedTexts
    kept: Mapping[str, timedelta]
    places: Sequence[Leftovers]

    def due(self, now: datetime) -> tuple[Kept, ...]:
        """Return what was kept long enough; nothing is removed."""
        return tuple(
            Kept(kind, length.days, self.texts.older(kind, now - length), is_removed=False)
            for kind, length in sorted(self.kept.items())
        )

    def remove(self, now: datetime) -> tuple[tuple[Kept, ...], tuple[str, ...]]:
        """Remove what was kept long enough, and shrink the store; return that, and what could not be shrunk.

        The log keeps that there was a text, and the commitment to it: no digest and no figure changes. Safe to repeat.
        """
        done = tuple(
            Kept(kind, length.days, self.texts.drop_older(kind, now - length), is_removed=True)
            for kind, length in sorted(self.kept.items())
        )
        failed: list[str] = []
        for place in self.places:
            try:
                place.shrink()
            except HandrailError as err:
                failed.append(str(err))
        return done, tuple(failed)
