"""Coordinates of the small pictures in pages: plain numbers, computed here so that templates hold no arithmetic."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

WIDTH, HEIGHT, MARGIN = 220.0, 26.0, 4.0


@dataclass(frozen=True, slots=True)
class Scale:
    """Maps values to the width of a picture; the ends are the values at its left and right."""

    left: float
    right: float
    width: float = WIDTH

    def x(self, value: float) -> float:
        """Return where a value lies, kept inside the picture."""
        span = self.right - self.left
        share = (value - self.left) / span if span else 0.5
        return round(min(max(share, 0.0), 1.0) * (self.width - 2 * MARGIN) + MARGIN, 1)


def scale_around(values: Iterable[float | None], *, better_is_lower: bool = False, zero: bool = False) -> Scale:
    """Return a scale that shows all values with some room; better is always to the right, and zero in the middle.

    Args:
        values: what has to be seen; None is left out.
        better_is_lower: whether small values are the good ones.
        zero: whether the scale is of differences, which lie around nothing.
    """
    known = [value for value in values if value is not None and math.isfinite(value)]
    if zero:
        reach = max((abs(value) for value in known), default=1.0) * 1.15 or 1.0
        left, right = -reach, reach
    else:
        low, high = (min(known), max(known)) if known else (0.0, 1.0)
        room = (high - low) * 0.18 or abs(high) * 0.1 or 1.0
        left, right = low - room, high + room
    return Scale(right, left) if better_is_lower else Scale(left, right)


@dataclass(frozen=True, slots=True)
class Interval:
    """A value with its interval beside a limit, as coordinates; `off` is the part beyond the limit."""

    x: float
    low: float | None
    high: float | None
    limit: float | None
    off: tuple[float, float] | None
    zero: float | None
    label: str

    @property
    def line(self) -> str:
        """The path of the interval with its two ends."""
        if self.low is None or self.high is None:
            return ""
        return f"M{self.low} 13H{self.high}M{self.low} 9V17M{self.high} 9V17"


def interval(  # noqa: PLR0913 - what such a picture shows
    scale: Scale,
    value: float,
    low: float | None,
    high: float | None,
    *,
    limit: float | None = None,
    forbidden: str = "",
    label: str,
    zero: bool = False,
) -> Interval:
    """Place a value; `forbidden` says on which side of the limit a rule refuses: `below` or `above`."""
    at = None if limit is None else scale.x(limit)
    off = None
    if at is not None and forbidden:
        to_left = (forbidden == "below") == (scale.left < scale.right)
        start, end = (MARGIN, at) if to_left else (at, WIDTH - MARGIN)
        off = (round(start, 1), round(max(end - start, 0.0), 1))
    ends = sorted((scale.x(low), scale.x(high))) if low is not None and high is not None else (None, None)
    return Interval(scale.x(value), ends[0], ends[1], at, off, scale.x(0.0) if zero else None, label)


BAR_TOP, BAR_HEIGHT, BAR_LEFT, BARS_WIDTH = 20.0, 140.0, 44.0, 480.0


@dataclass(frozen=True, slots=True)
class Bar:
    """How much is known of a period, as coordinates: the mature part, and in it the part whose outcome is known."""

    x: float
    width: float
    mature_y: float
    mature_height: float
    known_y: float
    known_height: float
    name: str


def bars(periods: Sequence[tuple[str, int, int, int]]) -> tuple[Bar, ...]:
    """Draw periods, each by name with how many predictions were read, are mature, and have a known outcome."""
    step = BARS_WIDTH / max(len(periods), 1)
    drawn = []
    for place, (name, read, mature, known) in enumerate(periods):
        heights = [round(BAR_HEIGHT * part / read, 1) if read else 0.0 for part in (mature, known)]
        tops = [round(BAR_TOP + BAR_HEIGHT - height, 1) for height in heights]
        x, width = round(BAR_LEFT + step * (place + 0.15), 1), round(min(step * 0.7, 48.0), 1)
        drawn.append(Bar(x, width, tops[0], heights[0], tops[1], heights[1], name))
    return tuple(drawn)


@dataclass(frozen=True, slots=True)
class Stretch:
    """A version for some time on the picture of an alias: from, to, and its lane."""

    x: float
    to: float
    y: float
    kind: str
    label: str
    note: str


@dataclass(frozen=True, slots=True)
class Lanes:
    """The picture of an alias: one lane a version, each move as wide as any other."""

    width: float
    height: float
    names: tuple[tuple[float, str], ...]
    stretches: tuple[Stretch, ...]
    jumps: tuple[tuple[float, float, float], ...]


LANE, HEAD, LEFT, RIGHT = 44.0, 40.0, 96.0, 20.0


def lanes(moves: Sequence[tuple[str, datetime, str]], width: float = 1128.0) -> Lanes:
    """Draw moves, oldest first: the version that the alias pointed at from then on, the moment, and how it came."""
    versions = list(dict.fromkeys(version for version, _, _ in moves))
    y_of = {version: HEAD + LANE * (len(versions) - 1 - place) for place, version in enumerate(versions)}
    step = (width - LEFT - RIGHT) / max(len(moves), 1)
    stretches = tuple(
        Stretch(
            round(LEFT + step * place, 1),
            round(LEFT + step * (place + 1), 1),
            y_of[version],
            kind,
            f"{at:%H:%M:%S}" if _same_day(moves, place) else f"{at.day} {at:%b %H:%M}",
            kind,
        )
        for place, (version, at, kind) in enumerate(moves)
    )
    jumps = tuple(
        (after.x, before.y, after.y)
        for before, after in zip(stretches, stretches[1:], strict=False)
        if before.y != after.y
    )
    height = HEAD + LANE * len(versions) + 40
    return Lanes(width, height, tuple((y, version) for version, y in y_of.items()), stretches, jumps)


def _same_day(moves: Sequence[tuple[str, datetime, str]], place: int) -> bool:
    return place > 0 and moves[place - 1][1].date() == moves[place][1].date()
