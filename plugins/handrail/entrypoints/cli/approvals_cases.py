"""How rules, and both versions on the same cases, look on a terminal: what an approver compares, in aligned columns."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from handrail.approvals import shown

MOST_GROUPS = 5
LONGEST_VALUE = 80
NOTHING = "–"
_LIMITS = (("at_least", "at least"), ("at_most", "at most"), ("equals", "exactly"))


def rule_facts(row: Mapping[str, Any]) -> dict[str, str]:
    """Return a line for each measure of a request: value, level, who answers for it, and each bound with its room."""
    by_measure: dict[str, list[Mapping[str, Any]]] = {}
    for measure in row.get("measures", ()):
        by_measure.setdefault(measure["measure"], []).append(measure)
    return {f"  rule on {name}": _rules(rules) for name, rules in by_measure.items()}


def _rules(rules: Sequence[Mapping[str, Any]]) -> str:
    first = rules[0]
    value = json.dumps(first["value"], ensure_ascii=False)
    known = f"{value[:LONGEST_VALUE]}, {first['level']} by {first['by']}" if first["level"] else "unknown"
    met = "met" if all(rule["met"] for rule in rules) else "not met"
    return "; ".join((f"{known}: {met}", *(words for rule in rules for words in _bounds(rule))))


def _bounds(rule: Mapping[str, Any]) -> Iterator[str]:
    for key, words in _LIMITS:
        if rule.get(key) is not None:
            yield f"{words} {rule[key]:g}"
    if rule.get("room") is not None:
        yield f"room {rule['room']:+.4g}"
    if rule["level"] and rule.get("wanted", rule["level"]) != rule["level"]:
        yield f"wanted {rule['wanted']}"


def case_lines(row: Mapping[str, Any]) -> list[str]:
    """Return both versions on the same cases: each measure, the worst groups, and where nobody is called."""
    cases = (row.get("evaluation") or {}).get("cases")
    if not cases:
        return []
    beside = any(measure["champion"] is not None for measure in cases["measures"])
    what = "champion → candidate, difference (95 % interval)" if beside else "candidate (95 % interval)"
    lines = [f"on the same {cases['rows']:,} cases in {cases['clusters']:,} clusters: {what}"]
    lines += _aligned([(shown(one["label"]), *_figures(one, beside)) for one in cases["measures"]])
    return lines + _group_lines(cases, beside) + _hints(cases)


def _group_lines(cases: Mapping[str, Any], beside: bool) -> list[str]:
    groups: Sequence[Mapping[str, Any]] = cases["groups"]
    if not groups:
        return []
    worse = sum(group["worse"] for group in groups)
    judged = f", {worse} of them worse beyond chance" if beside else ""
    main = next(
        (one for one in cases["measures"] if one["name"] == cases["main"]), {"label": cases["main"], "unit": ""}
    )
    first = f"{len(groups)} groups by {shown(main['label'])}, worst first{judged}:"
    rows = [
        (
            shown(group["label"]),
            f"{group['rows']:,} cases",
            *_figures({**group, "unit": main["unit"]}, beside),
            "worse" if group["worse"] else "",
        )
        for group in groups[: max(MOST_GROUPS, worse)]
    ]
    more = len(groups) - len(rows)
    return [first, *_aligned(rows), *([f"  {more} more groups: --json has them all"] if more else [])]


def _hints(cases: Mapping[str, Any]) -> list[str]:
    silent, missing = (", ".join(map(shown, cases[name])) for name in ("silent", "missing"))
    return [
        *([f"no version calls anything in: {silent}"] if silent else []),
        *([f"the rows have no column for: {missing}"] if missing else []),
    ]


def _figures(one: Mapping[str, Any], beside: bool) -> tuple[str, ...]:
    unit = one["unit"]
    candidate = _number(one["candidate"], unit)
    if not beside:
        return candidate, _interval(one["candidate_low"], one["candidate_high"], unit, signed=False)
    delta, interval = _number(one["delta"], unit, signed=True), _interval(one["low"], one["high"], unit, signed=True)
    return f"{_number(one['champion'], unit)} → {candidate}", delta, interval


def _interval(low: float | None, high: float | None, unit: str, *, signed: bool) -> str:
    if low is None or high is None:
        return ""
    return f"({_number(low, unit, signed=signed)} to {_number(high, unit, signed=signed)})"


def _number(value: float | None, unit: str, *, signed: bool = False) -> str:
    """Return a share in percent or points, and any other figure with its unit."""
    if value is None:
        return NOTHING
    sign = "+" if signed else ""
    if unit == "share":
        return f"{100 * value:{sign}.1f} {'points' if signed else '%'}"
    small = abs(value) < 10
    return f"{value:{sign}.4f}" if small else f"{value:{sign},.6g}"


def _aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)] if rows else []
    return [
        "  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    ]
