"""How far two JSON documents are apart in their numbers."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class NumbersApart:
    """The greatest difference between numbers at one place, where it is, and the places that differ otherwise.

    `places` are of numbers that are missing on a side or are numbers on one side only; `texts` of other values.
    """

    largest: float
    at: str
    places: tuple[str, ...]
    texts: tuple[str, ...]

    def within(self, tolerance: float) -> bool:
        """Return whether all numbers are there and equal within `tolerance`."""
        return not self.places and self.largest <= tolerance

    @property
    def sentence(self) -> str:
        """The differences in words."""
        parts = [f"{self.at} differs by {self.largest:.3g}"] if self.at else []
        parts += [f"{self.places[0]} is a number on one side only"] if self.places else []
        parts += [f"{self.texts[0]} is another text"] if self.texts else []
        return "; ".join(parts) or "the same values, written otherwise"


def numbers_apart(one: Any, other: Any) -> NumbersApart:
    """Compare two decoded JSON documents; NaN equals NaN."""
    here, there = dict(_leaves(one, "")), dict(_leaves(other, ""))
    largest, at, places, texts = 0.0, "", [], []
    for place in sorted(here.keys() | there.keys()):
        left, right = here.get(place), there.get(place)
        if left == right and type(left) is type(right):
            continue
        if _is_number(left) and _is_number(right):
            apart = _distance(left, right)
            if apart > largest:
                largest, at = apart, place
        elif _is_number(left) or _is_number(right):
            places.append(place)
        else:
            texts.append(place)
    return NumbersApart(largest, at, tuple(places), tuple(texts))


def _distance(one: Any, other: Any) -> float:
    left, right = float(one), float(other)
    if math.isnan(left) and math.isnan(right):
        return 0.0
    return abs(left - right) if math.isfinite(left) and math.isfinite(right) else math.inf


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _leaves(value: Any, place: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _leaves(inner, f"{place}.{key}" if place else str(key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _leaves(inner, f"{place}[{index}]")
    else:
        yield place, value
