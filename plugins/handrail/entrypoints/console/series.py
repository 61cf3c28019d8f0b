"""Coordinates of small charts over time: bars for counts, lines for values; a gap stays a gap."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

LEFT, RIGHT, TOP, BOTTOM = 58.0, 530.0, 16.0, 150.0


@dataclass(frozen=True, slots=True)
class Axis:
    """The vertical axis: where its lines are, with the values that they mean."""

    top: float
    marks: tuple[tuple[float, float], ...]

    def y(self, value: float) -> float:
        """Return where a value lies, kept inside the chart."""
        share = min(max(value / self.top, 0.0), 1.0) if self.top else 0.0
        return round(BOTTOM - share * (BOTTOM - TOP), 1)


def axis(values: Sequence[float | None], least: float = 0.0) -> Axis:
    """Return an axis from 0 to a round number that holds all values, and `least` at least."""
    top = _round_up(max([value for value in values if value is not None], default=0.0), least)
    scale = Axis(top, ())
    return Axis(top, tuple((scale.y(part), part) for part in (0.0, top / 2, top)))


def line(scale: Axis, values: Sequence[float | None]) -> str:
    """Return the path through the values, one a stretch of time; None lifts the pen, and a lone value is a dash."""
    step = (RIGHT - LEFT) / max(len(values), 1)
    parts, before = list[str](), False
    for place, value in enumerate(values):
        if value is None:
            before = False
            continue
        x, y = round(LEFT + step * (place + 0.5), 1), scale.y(value)
        alone = not before and (place + 1 == len(values) or values[place + 1] is None)
        parts.append(f"M{round(x - 2, 1)} {y}h4" if alone else f"{'L' if before else 'M'}{x} {y}")
        before = True
    return "".join(parts)


def columns(scale: Axis, values: Sequence[float | None]) -> str:
    """Return one path that outlines a column for each value."""
    step = (RIGHT - LEFT) / max(len(values), 1)
    wide = round(max(step * 0.72, 1.0), 1)
    parts = []
    for place, value in enumerate(values):
        if value:
            x, y = round(LEFT + step * place + (step - wide) / 2, 1), scale.y(value)
            parts.append(f"M{x} {BOTTOM}V{y}h{wide}V{BOTTOM}z")
    return "".join(parts)


def _round_up(value: float, least: float) -> float:
    value = max(value, least)
    if value <= 0:
        return 1.0
    power: float = 10.0 ** math.floor(math.log10(value))
    return next(round(part * power, 12) for part in (1, 2, 5, 10) if value <= part * power * (1 + 1e-9))
