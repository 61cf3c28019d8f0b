"""The rules of a request's policy as rows: value, limit, room and picture, what is not met first."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from handrail.approvals import RequestView
from handrail.entrypoints.console.charts import Interval, interval, scale_around
from handrail.entrypoints.console.words import counted, is_finite, metric, number, signed

Row = dict[str, Any]
ENDS = ("_low", "_high")


def rule_rows(view: RequestView, named: Callable[[str], str] = str) -> list[Row]:
    """Return a row for each rule that counts, as JSON values; what is not met first, then as the policy says.

    `named` gives the person behind an account that answers for a value.
    """
    rows = [_row(one.rule.to_json() | one.to_json(), one.failure) for one in view.measures]
    for row in rows:
        row["by"] = row["by"] and ", ".join(named(each) for each in row["by"].split(", "))
    return sorted(rows, key=lambda row: row["met"])


def rule_charts(rows: Sequence[Row], evaluation: Mapping[str, Any] | None) -> list[Interval | None]:
    """Return the picture of each row, None where a value has none; intervals come from the gate's own evaluation."""
    measures = (evaluation or {}).get("measures") or {}
    return [_chart(row, measures) for row in rows]


def _row(rule: Row, failure: str | None) -> Row:
    value, limit, side = rule["value"], *_limit(rule)
    return rule | {
        "label": metric(rule["measure"]) if "." in rule["measure"] else rule["measure"],
        "value_text": _value_text(rule, value),
        "limit_text": _limit_text(rule, limit, side),
        "room_text": _room(value, limit, side),
        "limit": limit,
        "forbidden": side,
        "unchecked": rule["met"] and rule["level"] == "claimed",
        "failure": failure,
        "note": "" if limit is not None else _note(rule),
    }


def _limit(rule: Mapping[str, Any]) -> tuple[float | None, str]:
    if rule["at_least"] is not None:
        return rule["at_least"], "below"
    if rule["at_most"] is not None:
        return rule["at_most"], "above"
    return rule["equals"], ""


def _value_text(rule: Mapping[str, Any], value: Any) -> str:
    if value is None:
        return "not known"
    if rule.get("is_incumbent") or rule.get("is_candidate"):
        return ("same files" if rule["met"] else "other files") if isinstance(value, str) else str(value)
    if isinstance(value, Mapping | list):
        return f"{counted(len(value), 'value')}, not a number"
    return number(value) if isinstance(value, int | float) else str(value)[:40]


def _limit_text(rule: Mapping[str, Any], limit: float | None, side: str) -> str:
    if rule.get("is_incumbent"):
        return "the files that the alias points at"
    if rule.get("is_candidate"):
        return "the files of the version asked for"
    if limit is None:
        return "–"
    return f"{ {'below': 'at least', 'above': 'at most', '': 'exactly'}[side] } {number(limit)}"


def _room(value: Any, limit: float | None, side: str) -> str:
    if limit is None or not side or not is_finite(value):
        return "–"
    room = value - limit if side == "below" else limit - value
    if 0 < abs(limit) < 1e-3:
        return f"{abs(limit / value):,.0f}-fold" if value and room > 0 else "none"
    return signed(room)


def _note(rule: Mapping[str, Any]) -> str:
    return str(rule["value"])[:80] if isinstance(rule["value"], str) else ""


def _chart(row: Row, measures: Mapping[str, Any]) -> Interval | None:
    value, limit = row["value"], row["limit"]
    if limit is None or not is_finite(value) or not row["forbidden"]:
        return None
    low, high, shown = _ends(row, measures)
    centre = value if shown is None else shown
    is_difference = row["measure"].endswith(("ci_low", "ci_high", "delta"))
    scale = scale_around([low, high, limit, centre], zero=is_difference)
    said = f"{number(centre)}" + (f", interval {number(low)} to {number(high)}" if low is not None else "")
    label = f"{said}, limit {number(limit)}"
    return interval(scale, centre, low, high, limit=limit, forbidden=row["forbidden"], label=label, zero=is_difference)


def _ends(row: Row, measures: Mapping[str, Any]) -> tuple[float | None, float | None, float | None]:
    """Return the interval that the gate found around what a rule judges, and the value to draw in it."""
    piece, _, name = row["measure"].partition(".")
    found = measures.get(piece) if row["level"] == "recomputed" else None
    if not isinstance(found, Mapping):
        return None, None, None
    if name in ("ci_low", "ci_high", "delta"):
        return found.get("ci_low"), found.get("ci_high"), found.get("delta")
    for end in ENDS:
        name = name.removesuffix(end)
    return found.get(f"{name}_low"), found.get(f"{name}_high"), found.get(name)


def interval_note(rows: Sequence[Row], measures: Mapping[str, Any]) -> str:
    """Say of a rule that is met by its value whose interval reaches beyond the limit; empty if there is none."""
    for row in rows:
        low, high, shown = _ends(row, measures)
        if not row["met"] or shown is None or low is None or high is None or row["limit"] is None:
            continue
        if row["measure"].endswith(("ci_low", "ci_high", "_low", "_high")):
            continue
        beyond = low < row["limit"] if row["forbidden"] == "below" else high > row["limit"]
        if beyond and row["forbidden"]:
            return (
                f"A rule judges the value. The interval of {row['label']}, {number(low)} to {number(high)}, reaches "
                f"beyond the limit of {number(row['limit'])}: on other cases of this kind the rule might not be met."
            )
    return ""
