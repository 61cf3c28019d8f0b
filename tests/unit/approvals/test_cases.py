"""An evaluator's answer about the cases: in which order and words it comes out, and what is refused."""

import copy
import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handrail.approvals.domain.cases import (
    DECIDED,
    MEASURED,
    OF_BOTH,
    CasesPlan,
    Grouping,
    Measure,
    Measured,
    kept_apart,
    read_cases,
)
from handrail.manifest import canonical_json
from tests.fakes.effort import tried

PLAN = CasesPlan(
    measures=(Measure("auc", "AUC", "ranking"), Measure("found", "Late ones found", better="higher", unit="share")),
    groupings=(
        Grouping("origin", "origin", "from {value}", "all other airports"),
        Grouping("hour", "minute", "departs at {value} h", "any other hour", per=60),
    ),
)
EVALUATION = {"rows": 100, "clusters": 10, "auc": 0.7, "auc_low": 0.6, "auc_high": 0.8}
COMPARISON = {"champion_value": 0.72, "delta": -0.02, "ci_low": -0.03, "ci_high": -0.01}
BESIDE = Measured("auc", "higher", EVALUATION, COMPARISON)
ALONE = Measured("auc", "higher", EVALUATION, None)
AUC = {"champion": 0.72, "candidate": 0.7, "delta": -0.02, "low": -0.03, "high": -0.01}
AUC |= {"candidate_low": 0.6, "candidate_high": 0.8}
FOUND = dict.fromkeys(MEASURED) | {"champion": 0.2, "candidate": 0.3, "delta": 0.1}
SINGLE = {name: value for name, value in AUC.items() if name.startswith("candidate")} | dict.fromkeys(
    ("champion", "delta", "low", "high")
)


def _group(grouping, value, rows, delta=None, low=None, high=None, **more):
    facts = {"grouping": grouping, "value": value, "rows": rows} | dict.fromkeys(DECIDED, 0.5)
    return facts | {"silent": False} | dict.fromkeys(MEASURED) | {"delta": delta, "low": low, "high": high} | more


def _answer():
    return {
        "measures": {"auc": dict(AUC), "found": dict(FOUND)},
        "groups": [
            _group(0, "EWR", 60, 0.01, -0.01, 0.02),
            _group(0, None, 40, -0.05, -0.08, -0.01),
            _group(1, "06", 70, silent=True, found_champion=0.0, found_candidate=0.0),
            _group(1, "17", 30, -0.05, -0.09, 0.01),
        ],
        "missing": [],
        "span": ["2013-09-01", "2013-09-30"],
    }


def test_measures_come_in_the_plans_order_with_their_words():
    cases = read_cases(_answer(), PLAN, BESIDE)

    assert (cases["rows"], cases["clusters"], cases["main"]) == (100, 10, "auc")
    assert cases["span"] == ["2013-09-01", "2013-09-30"]
    assert cases["measures"] == [
        {"name": "auc", "label": "AUC", "about": "ranking", "better": "higher", "unit": "", **AUC},
        {"name": "found", "label": "Late ones found", "about": "", "better": "higher", "unit": "share", **FOUND},
    ]
    assert json.loads(canonical_json(cases)) == cases


def test_the_worst_group_comes_first_and_what_is_unknown_last():
    cases = read_cases(_answer(), PLAN, BESIDE)

    assert [(group["column"], group["label"], group["worse"]) for group in cases["groups"]] == [
        ("origin", "all other airports", True),
        ("hour", "departs at 17 h", False),
        ("origin", "from EWR", False),
        ("hour", "departs at 06 h", False),
    ]
    assert cases["silent"] == ["departs at 06 h"]


def test_where_lower_is_better_the_highest_difference_is_the_worst():
    comparison = {"champion_value": 0.72, "delta": 0.02, "ci_low": 0.01, "ci_high": 0.03}
    measured = Measured("auc", "lower", EVALUATION, comparison)
    answer = _answer()
    answer["groups"][0] |= {"low": 0.001}

    groups = read_cases(answer, PLAN, measured)["groups"]

    assert [(group["label"], group["worse"]) for group in groups][:2] == [
        ("from EWR", True),
        ("all other airports", False),
    ]


def test_alone_the_lowest_value_comes_first():
    groups = [_group(0, "EWR", 60, candidate=0.7), _group(0, None, 40, candidate=0.6)]
    answer = {"measures": {"auc": SINGLE, "found": dict.fromkeys(MEASURED)}, "missing": [1]}
    answer["groups"] = [group | {name: None for name in DECIDED if name in OF_BOTH} for group in groups]
    answer["span"] = ["a", "b"]

    cases = read_cases(answer, PLAN, ALONE)

    assert [group["label"] for group in cases["groups"]] == ["all other airports", "from EWR"]
    assert cases["missing"] == ["hour"]
    assert not any(group["worse"] for group in cases["groups"])


def _set(value, *path):
    def change(answer):
        at = answer
        for key in path[:-1]:
            at = at[key]
        at[path[-1]] = value

    return change


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (_set(1, "more"), "other names"),
        (_set({}, "measures"), "other measures"),
        (_set(AUC, "measures", "brier"), "other measures"),
        (_set({}, "measures", "auc"), "exactly its numbers"),
        (_set(math.nan, "measures", "found", "candidate"), r"found\.candidate is nan"),
        (_set(True, "measures", "found", "candidate"), r"found\.candidate is True"),
        (_set("0.9", "measures", "found", "candidate"), "not a finite number"),
        (_set(10**400, "measures", "found", "candidate"), "not a finite number"),
        (_set(0.1, "measures", "found", "low"), "one end of an interval"),
        (_set(-0.2, "measures", "auc", "high"), "ends before it begins"),
        (_set(0.71, "measures", "auc", "candidate"), "two different things about auc"),
        (_set(None, "measures", "auc", "candidate"), "two different things about auc"),
        (_set(0.0, "measures", "auc", "delta"), "two different things about auc"),
        (_set(0.9, "measures", "auc", "champion"), "two different things about auc"),
        (_set(-0.031, "measures", "auc", "low"), "two different things about auc"),
        (_set({}, "groups"), "no list"),
        (_set([{}] * 300, "groups"), "300 groups"),
        (_set([], "groups"), "do not hold all rows"),
        (_set({}, "groups", 0), "exactly its facts"),
        (_set(2, "groups", 0, "grouping"), "no slice that was asked for"),
        (_set(-1, "groups", 0, "grouping"), "no slice that was asked for"),
        (_set(True, "groups", 0, "grouping"), "no slice that was asked for"),
        (_set("x" * 61, "groups", 0, "value"), "short text"),
        (_set("\ud800", "groups", 0, "value"), "short text"),
        (_set(7, "groups", 0, "value"), "short text"),
        (_set(None, "groups", 0, "value"), "there twice"),
        (_set(0, "groups", 0, "rows"), "cannot be"),
        (_set(101, "groups", 0, "rows"), "cannot be"),
        (_set(60.0, "groups", 0, "rows"), "cannot be"),
        (_set(59, "groups", 0, "rows"), "do not hold all rows"),
        (_set(1, "groups", 0, "silent"), "somebody is called"),
        (_set(1.5, "groups", 0, "found_candidate"), "a share of a group"),
        (_set(-0.1, "groups", 0, "right_champion"), "a share of a group"),
        (_set("1", "groups", 0, "called_champion"), "not a finite number"),
        (_set(["2013"], "span"), "two names"),
        (_set(["2013", 2014], "span"), "two names"),
        (_set(["2013", "x" * 61], "span"), "two names"),
        (_set(["2013", "\ud800"], "span"), "two names"),
        (_set(math.inf, "groups", 0, "delta"), "not a finite number"),
        (_set(0.5, "groups", 0, "low"), "ends before it begins"),
        (_set([0], "missing"), "do not hold all rows"),
        (_set([2], "missing"), "was not asked for"),
        (_set(["0"], "missing"), "was not asked for"),
    ],
)
def test_anything_else_is_refused(change, words):
    answer = _answer()
    change(answer)

    with pytest.raises(ValueError, match=words):
        read_cases(answer, PLAN, BESIDE)


def test_a_champion_that_nobody_asked_about_is_refused():
    with pytest.raises(ValueError, match="no champion was asked about"):
        read_cases(_answer(), PLAN, ALONE)


json_values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
paths = st.sampled_from(
    [("measures",), ("groups",), ("missing",), ("span",), ("span", 0), ("groups", 1), ("measures", "auc")]
    + [("measures", "found", name) for name in MEASURED]
    + [("groups", 2, name) for name in _group(0, "", 1)]
)


@given(path=paths, value=json_values)
@tried(400)
def test_whatever_another_process_writes_is_read_as_bounded_finite_values_or_not_at_all(path, value):
    answer = copy.deepcopy(_answer())
    _set(value, *path)(answer)

    try:
        cases = read_cases(answer, PLAN, BESIDE)
    except ValueError:
        return
    canonical_json(cases)
    assert sum(group["rows"] for group in cases["groups"]) == 200
    assert [row["name"] for row in cases["measures"]] == ["auc", "found"]


@given(slices=st.integers(0, 20), most=st.integers(2, 200))
def test_all_slices_together_keep_no_more_groups_than_are_read(slices, most):
    assert slices * kept_apart([PLAN.groupings[0]] * slices, most) <= 220
