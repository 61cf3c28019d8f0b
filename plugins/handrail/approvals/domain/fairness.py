"""How differently the candidate treats groups: what is asked, and how an evaluator's answer about it is read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from handrail.approvals.domain.cases import VALUE, CasesPlan, Grouping, is_name, is_number, require

COUNTED = ("groups", "judged", "rows")
"""How many groups a segment has, how many of them were compared, and the rows of all."""
ENDS = ("highest", "lowest")
"""Which groups are the furthest apart: the value of each, None for that of small groups together."""


@dataclass(frozen=True, slots=True)
class FairnessPlan:
    """Between the groups of which slices the candidate is compared, by their names; smaller groups are put together.

    `rates` has what is compared, each with the names of its numbers.
    """

    segments: tuple[str, ...]
    least_rows: int
    rates: Mapping[str, tuple[str, ...]]


def read_fairness(answer: Any, plan: FairnessPlan, cases: CasesPlan, rows: int) -> dict[str, Any]:
    """Read what an evaluator answered; nothing in it is trusted.

    Returns:
        by segment: `COUNTED`, and for each rate its numbers with `ENDS` in words. A segment without a column, and a
        rate by which fewer than two groups can be judged, are not there.

    Raises:
        ValueError: it holds other names than were asked for, a number that cannot be, or numbers that contradict each
            other.
    """
    require(isinstance(answer, dict) and set(answer) <= {*plan.segments}, "fairness has other segments")
    groupings = {grouping.name: grouping for grouping in cases.groupings}
    return {segment: _segment(found, plan, groupings[segment], rows) for segment, found in answer.items()}


def _segment(found: Any, plan: FairnessPlan, grouping: Grouping, rows: int) -> dict[str, Any]:
    of = grouping.name
    require(isinstance(found, dict) and set(found) >= {*COUNTED}, f"fairness.{of} lacks its counts")
    counts = {name: found[name] for name in COUNTED}
    require(all(type(count) is int for count in counts.values()), f"fairness.{of} has a count that is none")
    require(
        0 <= counts["judged"] <= counts["groups"] <= rows == counts["rows"], f"fairness.{of} does not hold all rows"
    )
    rates = {name: values for name, values in found.items() if name not in COUNTED}
    require(set(rates) <= {*plan.rates}, f"fairness.{of} has other rates than were asked for")
    return counts | {name: _rate(f"fairness.{of}.{name}", rates[name], plan.rates[name], grouping) for name in rates}


def _rate(shown: str, values: Any, names: tuple[str, ...], grouping: Grouping) -> dict[str, Any]:
    require(isinstance(values, dict) and set(values) == {*names, *ENDS}, f"{shown} does not hold exactly its numbers")
    for name in names:
        require(is_number(values[name]), f"{shown}.{name} is {values[name]!r:.40}, which is not a finite number")
        require(values[name] >= 0, f"{shown}.{name} is below zero")
    for name in (name for name in names if f"{name}_low" in names):
        low, value, high = (values[f"{name}{end}"] for end in ("_low", "", "_high"))
        require(low <= value <= high, f"{shown}.{name} lies outside its interval")
    for name in ENDS:
        require(values[name] is None or is_name(values[name]), f"{shown}.{name} is not a short text")
    return {name: values[name] for name in names} | {name: _said(values[name], grouping) for name in ENDS}


def _said(value: str | None, grouping: Grouping) -> str:
    return grouping.others if value is None else grouping.words.replace(VALUE, value)
