"""What `handrail approvals show` prints of both versions on the same cases, and of rules with their bounds."""

import pytest

from handrail.entrypoints.cli.approvals_cases import case_lines, rule_facts
from tests.fakes.answering_server import answering
from tests.fakes.approvals_command import FORGED, REQUEST_ID, ROW, runner


def _measure(name, label, champion, candidate, delta, low, high, **more):
    ends = {"candidate_low": candidate - 0.01, "candidate_high": candidate + 0.01}
    about = {"about": "", "better": "higher", "unit": ""} | more
    numbers = {"champion": champion, "candidate": candidate, "delta": delta, "low": low, "high": high}
    return {"name": name, "label": label, **about, **numbers, **ends}


def _group(label, rows, delta, low=None, high=None, worse=False):
    numbers = {"champion": 0.7, "candidate": 0.7 + delta, "delta": delta, "low": low, "high": high}
    ends = {"candidate_low": 0.6, "candidate_high": 0.8, "found_champion": 0.2, "found_candidate": 0.1}
    return {"column": "hour", "value": label, "label": label, "rows": rows, **numbers, **ends, "worse": worse}


CASES = {
    "rows": 26857,
    "clusters": 30,
    "main": "roc_auc",
    "measures": [
        _measure("roc_auc", "ROC-AUC", 0.7434, 0.7460, 0.0027, -0.0026, 0.0073),
        _measure("found", "Late flights found", 0.244, 0.243, -0.001, -0.028, 0.026, unit="share"),
    ],
    "groups": [
        _group("departs at 11 h", 1328, -0.016, -0.05, -0.01, worse=True),
        *(_group(f"carrier {name}", 500, -0.001, -0.01, 0.01) for name in "ABCDEF"),
    ],
    "silent": ["departs at 06 h", "departs at 07 h"],
    "missing": ["hour"],
}


@pytest.fixture
def run(tmp_path):
    return runner(tmp_path)


def _words(lines):
    return [" ".join(line.split()) for line in lines]


def test_both_versions_are_shown_with_difference_interval_and_the_worst_groups(run):
    evaluation = {"snapshot": "sha256:1", "at": "2026-11-29T10:31:00+00:00", "custodians": ["dora"], "cases": CASES}
    row = ROW | {"evaluation": evaluation}
    with answering(200, row | {"evidence_content": {}}) as url:
        lines = _words(run(url, "show", REQUEST_ID).stdout.splitlines())

    for line in (
        "on the same 26,857 cases in 30 clusters: champion → candidate, difference (95 % interval)",
        "ROC-AUC 0.7434 → 0.7460 +0.0027 (-0.0026 to +0.0073)",
        "Late flights found 24.4 % → 24.3 % -0.1 points (-2.8 points to +2.6 points)",
        "7 groups by ROC-AUC, worst first, 1 of them worse beyond chance:",
        "departs at 11 h 1,328 cases 0.7000 → 0.6840 -0.0160 (-0.0500 to -0.0100) worse",
        "2 more groups: --json has them all",
        "no version calls anything in: departs at 06 h, departs at 07 h",
        "the rows have no column for: hour",
        "by tom, 2026-11-29T10:30:00",
    ):
        assert line in lines


def test_a_first_version_has_values_with_intervals():
    alone = _measure("roc_auc", "ROC-AUC", None, 0.75, None, None, None)
    group = _group("all", 9, 0.0) | {"champion": None, "delta": None}

    lines = _words(case_lines({"evaluation": {"cases": CASES | {"measures": [alone], "groups": [group]}}}))

    assert lines[:3] == [
        "on the same 26,857 cases in 30 clusters: candidate (95 % interval)",
        "ROC-AUC 0.7500 (0.7400 to 0.7600)",
        "1 groups by ROC-AUC, worst first:",
    ]


@pytest.mark.parametrize("evaluation", [None, {}, {"cases": None}])
def test_without_cases_nothing_is_said(evaluation):
    assert case_lines({"evaluation": evaluation}) == []


def test_what_is_unknown_is_a_dash_and_what_others_wrote_stays_on_its_line():
    unknown = _measure("found", FORGED, None, 0.5, None, None, None, unit="share") | {
        "champion": 0.5,
        "candidate": None,
    }

    lines = case_lines({"evaluation": {"cases": CASES | {"measures": [unknown], "groups": [_group(FORGED, 3, 0.0)]}}})

    assert any("50.0 % → –" in line for line in lines)
    assert all(line.isprintable() for line in lines)


def test_each_bound_of_a_rule_is_shown_with_its_room():
    rule = {"measure": "evaluation.roc_auc", "value": 0.746, "level": "recomputed", "by": "the gate", "met": True}
    first = rule | {"wanted": "recomputed", "at_least": 0.74, "at_most": None, "equals": None, "room": 0.006}
    second = first | {"at_least": None, "at_most": 0.9, "room": 0.154}
    parity = rule | {"measure": "parity.differ", "value": 0, "level": "claimed", "wanted": "bound", "equals": 0.0}

    facts = rule_facts({"measures": [first, second, parity | {"met": False}]})

    quality = "0.746, recomputed by the gate: met; at least 0.74; room +0.006; at most 0.9; room +0.154"
    assert facts["  rule on evaluation.roc_auc"] == quality
    assert facts["  rule on parity.differ"] == "0, claimed by the gate: not met; exactly 0; wanted bound"
