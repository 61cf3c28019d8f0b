"""The gate's own measurement as tables: both versions on the same cases, and groups, worst first."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from handrail.approvals import Wording
from handrail.entrypoints.console.charts import Interval, Scale, interval, scale_around
from handrail.entrypoints.console.request_calls import call_rows, calls_of, group_calls, worst_first
from handrail.entrypoints.console.words import METRICS, listed, metric, number, points, share, signed, span_words

Row = dict[str, Any]
LOWER_IS_BETTER = frozenset({"brier", "log_loss", "mae", "rmse", "mean_absolute_error"})
NOTHING: Row = {"measures": [], "same": [], "calls": None, "call_rows": [], "groups": [], "groups_alike": False}
NOTHING |= {"against": None, "worse": 0}


NEITHER = "more is neither better nor worse"


class Subject(Protocol):
    """The version that a request is about, and the one that its alias points at."""

    @property
    def model(self) -> str:
        """The registered model."""

    @property
    def version(self) -> int:
        """The version asked for."""

    @property
    def incumbent(self) -> int | None:
        """The version that it would replace."""


def cases_of(
    evaluation: Mapping[str, Any] | None,
    bound: Subject,
    named: Callable[[str], str] = str,
    wording: Wording = Wording(),  # noqa: B008 - frozen
) -> Row:
    """Return the tables of a request's evaluation as JSON values; empty ones where the gate measured nothing.

    `same` are measures in which both versions are exactly alike: they stand in a sentence, and not in the table.
    """
    if not evaluation or evaluation.get("problem") or not evaluation.get("measures"):
        return dict(NOTHING)
    model, version, incumbent = bound.model, bound.version, bound.incumbent
    found = evaluation.get("cases") or _from_measures(evaluation["measures"])
    compared = any(row.get("delta") is not None for row in found["measures"])
    rows = [_measure(row, compared=compared) for row in found["measures"]]
    groups = [_group(row) for row in found.get("groups", ())]
    main = found.get("main") or (rows[0]["name"] if rows else "")
    calls = calls_of(found, wording)
    alike = any(map(_is_same, groups)) and all(_is_same(row) or row["delta"] is None for row in groups)
    return {
        "measures": rows,
        "same": [row["label"] + " " + row["candidate_text"] for row in rows if _is_same(row)],
        "calls": calls,
        "call_rows": call_rows(calls),
        "words": {"many": wording.many, "called": wording.called},
        "groups": worst_first(groups) if alike else groups,
        "groups_alike": alike,
        "has_alarms": any(row["alarms_candidate"] is not None for row in groups),
        "silent": list(found.get("silent", ())),
        "against": compared or None,
        "champion": f"{model} {incumbent}" if incumbent else "",
        "candidate": f"{model} {version}",
        "about": _about(found, evaluation, named, wording),
        "main": main,
        "main_label": next((row["label"] for row in rows if row["name"] == main), metric(main)),
        "has_found": any(row.get("found_candidate") is not None for row in groups),
        "found_label": next((row["label"] for row in rows if row["name"] == "found"), "Found"),
        "worse": sum(1 for row in groups if row.get("worse")),
    }


def case_charts(cases: Row) -> tuple[dict[str, Interval | None], list[Interval | None]]:
    """Return the pictures of the measures by name, each on its own scale, and of the groups, on one for all."""
    measures = {row["name"]: _measure_chart(row, against=bool(cases["against"])) for row in cases["measures"]}
    groups = cases["groups"]
    lower = next((row["better"] == "lower" for row in cases["measures"] if row["name"] == cases.get("main")), False)
    ends = [row.get(name) for row in groups for name in ("low", "high", "delta")]
    scale = scale_around(ends, zero=True, better_is_lower=lower)
    return measures, [_difference(row, scale) for row in groups]


def _from_measures(measures: Mapping[str, Any]) -> Row:
    own, compared = measures.get("evaluation") or {}, measures.get("comparison") or {}
    main = str(compared.get("metric") or "")
    rows: list[Row] = []
    if compared:
        rows.append(
            {
                "name": main,
                "champion": compared.get("champion_value"),
                "candidate": compared.get("challenger_value"),
                "delta": compared.get("delta"),
                "low": compared.get("ci_low"),
                "high": compared.get("ci_high"),
            }
        )
    for name in own:
        if name.endswith(("_low", "_high")) or f"{name}_low" not in own or (compared and name == main):
            continue
        low, high = own[f"{name}_low"], own[f"{name}_high"]
        rows.append({"name": name, "candidate": own[name], "candidate_low": low, "candidate_high": high})
    return {"measures": rows, "rows": own.get("rows"), "clusters": own.get("clusters"), "main": main}


def _measure(row: Mapping[str, Any], *, compared: bool) -> Row:
    name = str(row["name"])
    is_share = row.get("unit") == "share"
    write = share if is_share else (lambda value: number(value, 4))
    apart = (lambda value: f"{points(value)} points") if is_share else signed
    low, high = _both(row, "low", "high") if compared else (None, None)
    if low is None or high is None:
        low, high = _both(row, "candidate_low", "candidate_high")
        between = "" if low is None else f"{write(low)} to {write(high)}"
        between = f"alone: {between}" if between and compared else between
    else:
        between = f"{points(low)} to {points(high)}" if is_share else f"{signed(low)} to {signed(high)}"
    return {
        "name": name,
        "is_same": _is_same(row),
        "label": row.get("label") or METRICS.get(name) or metric(name),
        "about": "; ".join(filter(None, (row.get("about"), NEITHER if row.get("better") == "neither" else ""))),
        "better": row.get("better") or ("lower" if name in LOWER_IS_BETTER else "higher"),
        **{key: row.get(key) for key in ("champion", "candidate", "delta", "low", "high")},
        "candidate_low": row.get("candidate_low"),
        "candidate_high": row.get("candidate_high"),
        "champion_text": "–" if row.get("champion") is None else write(row["champion"]),
        "candidate_text": "–" if row.get("candidate") is None else write(row["candidate"]),
        "delta_text": "" if row.get("delta") is None else apart(row["delta"]),
        "interval_text": between,
    }


def _is_same(row: Mapping[str, Any]) -> bool:
    """Whether there is no difference at all, and no doubt: an interval without a width is none."""
    ends = {row.get(name) for name in ("low", "high")}
    return row.get("delta") == 0 and ends <= {0, None}


def _both(row: Mapping[str, Any], low: str, high: str) -> tuple[Any, Any]:
    return (row.get(low), row.get(high)) if row.get(low) is not None and row.get(high) is not None else (None, None)


def _group(row: Mapping[str, Any]) -> Row:
    champion, candidate, delta = row.get("champion"), row.get("candidate"), row.get("delta")
    low, high = _both(row, "low", "high")
    both = [number(value, 3) for value in (champion, candidate) if value is not None]
    found = [row.get(name) for name in ("found_champion", "found_candidate")]
    return {
        **{key: row.get(key) for key in ("column", "value", "rows", "champion", "candidate", "delta", "low", "high")},
        "label": row.get("label") or f"{row.get('column')} {row.get('value')}",
        "found_champion": found[0],
        "found_candidate": found[1],
        "worse": bool(row.get("worse")),
        **group_calls(row),
        "found_text": " → ".join(share(value, 0) for value in found if value is not None) or "–",
        "both_text": " → ".join(both) or "–",
        "delta_text": "" if delta is None else signed(delta, 3),
        "interval_text": "" if low is None else f"{signed(low, 3)} to {signed(high, 3)}",
    }


def _about(
    found: Mapping[str, Any], evaluation: Mapping[str, Any], named: Callable[[str], str], wording: Wording
) -> str:
    rows, clusters = found.get("rows"), found.get("clusters")
    if not isinstance(rows, int | float):
        return "Measured by the server itself."
    of = span_words(*found["span"]) if found.get("span") else ""
    who = evaluation.get("custodians") or []
    handed = f", from the file of outcomes that {listed([named(each) for each in who])} handed in" if who else ""
    drawn = isinstance(clusters, int | float)
    intervals = f" Intervals: {clusters:,.0f} {wording.clusters} are drawn anew again and again." if drawn else ""
    return f"The server itself scored {int(rows):,} {wording.many}{of}{handed}.{intervals}"


def _measure_chart(row: Row, *, against: bool) -> Interval | None:
    if against:
        if row["delta"] is None:
            return None
        ends = [row["low"], row["high"], row["delta"]]
        return _difference(row, scale_around(ends, zero=True, better_is_lower=row["better"] == "lower"))
    if row["candidate"] is None:
        return None
    low, high = row["candidate_low"], row["candidate_high"]
    label = f"{row['candidate_text']}, {row['interval_text']}"
    return interval(scale_around([low, high, row["candidate"]]), row["candidate"], low, high, label=label)


def _difference(row: Row, scale: Scale) -> Interval | None:
    if row["delta"] is None:
        return None
    label = f"difference {row['delta_text']}, 95 % interval {row['interval_text']}"
    return interval(scale, row["delta"], row["low"], row["high"], label=label, zero=True)


def verdict_of(rows: Sequence[Row], main: str) -> str:
    """Return `better`, `worse` or `unclear` by the interval of the main measure, empty without one."""
    row = next((row for row in rows if row["name"] == main and row["low"] is not None), None)
    if row is None:
        return ""
    low, high = (row["low"], row["high"]) if row["better"] == "higher" else (-row["high"], -row["low"])
    return "better" if low > 0 else "worse" if high < 0 else "unclear"
