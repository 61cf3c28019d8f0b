"""Ranges of a value that grows, each with a fingerprint of its rows: what was read, and what has changed since."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

MOST_RANGES = 96
NEW_RANGES = 32


@dataclass(frozen=True, slots=True)
class Range:
    """The rows above the range before it and up to `upper`: how many there were, and the sum of their values, as text.

    A row that came late makes both others; one that left while another came nearly always changes the sum.
    """

    upper: Any
    count: int
    total: str = ""

    @property
    def fingerprint(self) -> tuple[int, str]:
        """What changes when the rows do."""
        return (self.count, self.total)


def bounds(low: Any, high: Any, most: int = NEW_RANGES) -> list[Any]:
    """Return up to `most` growing values that cut what lies above `low` into parts of one width; the last is `high`.

    What has no differences, such as a text, is one part.
    """
    if isinstance(high, bool) or not isinstance(high, (int, float, Decimal, datetime, date)) or not low < high:
        return [high]
    if isinstance(high, (int, date)) and not isinstance(high, datetime):
        parts = min(most, int((high - low) / timedelta(days=1)) if isinstance(high, date) else high - low)
        cuts = [low + (high - low) * part // max(parts, 1) for part in range(1, parts)]
    else:
        cuts = [low + (high - low) * part / most for part in range(1, most)]
    return [*dict.fromkeys(cut for cut in cuts if low < cut < high), high]


def merged(ranges: Sequence[Range], most: int = MOST_RANGES) -> list[Range]:
    """Return at most so many ranges over the same rows: two neighbours with few rows become one, the oldest first."""
    kept = list(ranges)
    while len(kept) > most:
        at = min(range(len(kept) - 1), key=lambda place: kept[place].count + kept[place + 1].count)
        first, second = kept[at], kept[at + 1]
        kept[at : at + 2] = [Range(second.upper, first.count + second.count, _sum(first.total, second.total))]
    return kept


def _sum(first: str, second: str) -> str:
    return str(Decimal(first) + Decimal(second)) if first and second else ""
