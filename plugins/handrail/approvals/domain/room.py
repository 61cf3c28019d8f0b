"""How far what a rule measures is inside its bounds, for people who look at how close a decision is."""

from __future__ import annotations

from math import isfinite
from typing import Any

from handrail.approvals.domain.policy import Measured


def room_of(one: Measured) -> float | None:
    """Return how far the value may move to its nearest bound, below zero where it is outside.

    None where there is no such bound or no finite number, or where the value is less trusted than the rule wants.
    """
    if one.found is None or not one.found.level.reaches(one.rule.level):
        return None
    value: Any = one.found.value
    if isinstance(value, bool) or not isinstance(value, int | float) or not _is_finite(value):
        return None
    rooms = [bound - value for bound in (one.rule.at_most,) if bound is not None]
    rooms += [value - bound for bound in (one.rule.at_least,) if bound is not None]
    return min(rooms, default=None)


def _is_finite(value: float) -> bool:
    try:
        return isfinite(value)
    except OverflowError:  # a whole number of thousands of digits
        return False


def measured_json(one: Measured) -> dict[str, Any]:
    """Return the rule with its bounds and reason, what is known of its measure, and the room to its bounds."""
    return one.rule.to_json() | one.to_json() | {"room": room_of(one)}
