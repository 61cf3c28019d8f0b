"""Both versions on the same cases: every measure and every group of subjects, and how an evaluator's answer is read.

Differences have the sign of the measure itself, candidate minus champion; which side is better stands beside it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import inf, isfinite
from typing import Any, Literal

MOST_GROUPS, MOST_GROUPINGS, MOST_MEASURES = 200, 20, 60
LONGEST_VALUE = 60
ANSWERED = ("measures", "groups", "missing", "span")
VALUE = "{value}"
MEASURED = ("champion", "candidate", "delta", "low", "high", "candidate_low", "candidate_high")
DECIDED = tuple(f"{share}_{who}" for share in ("found", "right", "called") for who in ("champion", "candidate"))
"""What decisions come to in a group of rows with a binary label: shares that are found, right and called."""
GROUPED = ("grouping", "value", "rows", *DECIDED, "silent", *MEASURED)
OF_BOTH = ("champion", "delta", "low", "high", "found_champion", "right_champion", "called_champion")
"""What is known only where there is a champion."""


@dataclass(frozen=True, slots=True)
class Measure:
    """A figure of a version, with the words that people read; `better` is the side on which it is better, if any.

    `unit` is "share" where it is a part of a whole, else that of the label.
    """

    name: str
    label: str
    about: str = ""
    better: Literal["higher", "lower", "neither"] = "higher"
    unit: str = ""


@dataclass(frozen=True, slots=True)
class Grouping:
    """A way to see the subjects apart: by the values of a column, which `per` or `edges` cut if it holds numbers.

    `words` say what a group is, with `{value}` in the place of its value; `others` is what small groups together are.
    """

    name: str
    column: str
    words: str
    others: str
    per: float | None = None
    edges: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class CasesPlan:
    """What is looked at on the same cases: `measures`, and groups of `least_rows` rows or more, at most `most`."""

    measures: tuple[Measure, ...] = ()
    groupings: tuple[Grouping, ...] = ()
    least_rows: int = 100
    most: int = 60


@dataclass(frozen=True, slots=True)
class Measured:
    """What is known of the whole beside the cases: metrics by name, and the comparison in the metric `main`, if any."""

    main: str
    better: str
    evaluation: Mapping[str, float]
    comparison: Mapping[str, float] | None

    @property
    def rows(self) -> int:
        """How many subjects there were."""
        return int(self.evaluation["rows"])


def read_cases(answer: Any, plan: CasesPlan, measured: Measured) -> dict[str, Any]:
    """Read what an evaluator answered about the cases, and put words to it; nothing in it is trusted.

    Returns:
        JSON values: `rows`, `clusters`, `main`, `measures` in the plan's order, `groups` with the worst first,
        `silent` with what those groups are called in which no version calls anything, `missing`, the slices that the
        rows have no column for, and `span`, the first and the last cluster by name.

    Raises:
        ValueError: it holds other names than were asked for, too much, a number that is not finite, or numbers that
            contradict each other.
    """
    require(isinstance(answer, dict) and set(answer) == {*ANSWERED}, "cases has other names")
    measures, rows, missing, span = (answer[name] for name in ANSWERED)
    names = [measure.name for measure in plan.measures]
    require(isinstance(measures, dict) and set(measures) == {*names}, "cases has other measures than were asked for")
    require(isinstance(rows, list) and isinstance(missing, list), "cases holds no list of groups")
    require(len(rows) <= MOST_GROUPS + MOST_GROUPINGS, f"it has {len(rows)} groups")
    require(isinstance(span, list) and len(span) == 2 and all(map(is_name, span)), "its span is not two names")
    for name, values in measures.items():
        _numbers(name, values, MEASURED, measured)
        _agrees(name, values, measured)
    for row in rows:
        _group(row, plan, measured)
    _partition(rows, missing, plan, measured.rows)
    groups = sorted(rows, key=lambda row: _badness(row, measured))
    return {
        "rows": measured.rows,
        "clusters": int(measured.evaluation["clusters"]),
        "main": measured.main,
        "measures": [_in_words(measure) | measures[measure.name] for measure in plan.measures],
        "groups": [_group_in_words(row, plan, measured.better) for row in groups],
        "silent": [_label(row, plan) for row in groups if row["silent"]],
        "missing": [plan.groupings[place].name for place in sorted(missing)],
        "span": span,
    }


def require(holds: bool, problem: str) -> None:
    """Raise ValueError with the problem unless something holds."""
    if not holds:
        raise ValueError(problem)


def _numbers(name: str, values: Any, wanted: Sequence[str], measured: Measured) -> None:
    """Refuse anything but a finite number or None under exactly these names, and a champion where there is none."""
    require(isinstance(values, dict) and set(values) == {*wanted}, f"{name} does not hold exactly its numbers")
    for key, value in values.items():
        if value is not None:
            require(is_number(value), f"{name}.{key} is {value!r:.40}, which is not a finite number")
            if measured.comparison is None:
                require(key not in OF_BOTH, f"{name}.{key} is there, and no champion was asked about")
    for low, high in (("low", "high"), ("candidate_low", "candidate_high")):
        require((values[low] is None) is (values[high] is None), f"{name} has one end of an interval")
        is_one = values[low] is None or values[low] <= values[high]
        require(is_one, f"{name} has an interval that ends before it begins")


def is_number(value: Any) -> bool:
    """Whether it is a finite number."""
    try:
        return not isinstance(value, bool) and isinstance(value, int | float) and isfinite(value)
    except OverflowError:  # a whole number of thousands of digits
        return False


def _agrees(name: str, values: Mapping[str, float | None], measured: Measured) -> None:
    """Refuse numbers beside which a policy's own measures say something else."""
    known = {"candidate": name, "candidate_low": f"{name}_low", "candidate_high": f"{name}_high"}
    pairs = [(values[key], measured.evaluation[of]) for key, of in known.items() if name in measured.evaluation]
    if name == measured.main and measured.comparison is not None:
        gain = gain_of(measured.comparison, measured.better)
        pairs += [(values[key], number) for key, number in gain.items()]
    require(all(one == other for one, other in pairs), f"it says two different things about {name}")


def gain_of(comparison: Mapping[str, float], better: str) -> dict[str, float]:
    """Return champion, delta, low and high of a comparison's numbers, with the sign of the measure itself."""
    delta, low, high = (comparison[name] for name in ("delta", "ci_low", "ci_high"))
    if better == "lower":
        delta, low, high = 0 - delta, 0 - high, 0 - low
    return {"champion": comparison["champion_value"], "delta": delta, "low": low, "high": high}


def _group(row: Any, plan: CasesPlan, measured: Measured) -> None:
    require(isinstance(row, dict) and set(row) == {*GROUPED}, "a group does not hold exactly its facts")
    place, value, count = row["grouping"], row["value"], row["rows"]
    require(type(place) is int and 0 <= place < len(plan.groupings), "a group is of no slice that was asked for")
    require(value is None or is_name(value), "the value of a group is not a short text")
    require(type(count) is int and 0 < count <= measured.rows, "a group has a number of rows that cannot be")
    require(isinstance(row["silent"], bool), "a group does not say whether somebody is called in it")
    _numbers("a group", {name: row[name] for name in (*MEASURED, *DECIDED)}, (*MEASURED, *DECIDED), measured)
    require(all(row[name] is None or 0 <= row[name] <= 1 for name in DECIDED), "a share of a group is none")


def is_name(text: Any) -> bool:
    """Whether it is a short text that can be written."""
    if not isinstance(text, str) or len(text) > LONGEST_VALUE:
        return False
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:  # half of a surrogate pair
        return False
    return True


def _partition(rows: Sequence[Mapping[str, Any]], missing: Sequence[Any], plan: CasesPlan, count: int) -> None:
    """Refuse groups of a slice that are not each there once and hold all rows together."""
    sums = dict.fromkeys(range(len(plan.groupings)), 0)
    require(len({(row["grouping"], row["value"]) for row in rows}) == len(rows), "a group is there twice")
    require(
        all(type(place) is int and place in sums for place in missing) and len({*missing}) == len(missing),
        "it misses a slice that was not asked for",
    )
    for row in rows:
        sums[row["grouping"]] += row["rows"]
    wanted = {place: 0 if place in missing else count for place in sums}
    require(sums == wanted, "the groups of a slice do not hold all rows")


def _badness(row: Mapping[str, Any], measured: Measured) -> tuple[float, int, str]:
    """Order groups: first where the candidate lost most, or without a champion is worst; what is unknown last."""
    value = row["candidate"] if measured.comparison is None else row["delta"]
    known = inf if value is None else -value if measured.better == "lower" else value
    return known, row["grouping"], row["value"] or ""


def _in_words(measure: Measure) -> dict[str, Any]:
    return {name: getattr(measure, name) for name in ("name", "label", "about", "better", "unit")}


def _group_in_words(row: Mapping[str, Any], plan: CasesPlan, better: str) -> dict[str, Any]:
    said = {name: row[name] for name in GROUPED if name not in ("grouping", "silent")}
    low, high = row["low"], row["high"]
    worse = low is not None and (low > 0 if better == "lower" else high < 0)
    return {"column": plan.groupings[row["grouping"]].name, "label": _label(row, plan), **said, "worse": worse}


def _label(row: Mapping[str, Any], plan: CasesPlan) -> str:
    grouping = plan.groupings[row["grouping"]]
    return grouping.others if row["value"] is None else grouping.words.replace(VALUE, row["value"])


def kept_apart(groupings: Sequence[Grouping], most: int) -> int:
    """Return how many groups each slice has at most, small ones together, so that all have no more than `most`."""
    return max(2, most // max(1, len(groupings)))
