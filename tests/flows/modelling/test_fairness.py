"""Groups compared, beside fairlearn's own differences, and what a policy can cite of them."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from fairlearn.metrics import MetricFrame, false_negative_rate, selection_rate

from flows.steps.modelling.fairness import compare_groups, without_tables
from flows.steps.modelling.judge import Judge
from flows.steps.modelling.slices import POOLED
from handrail.limits import Fairness
from handrail.statistics import Answers, Intervals
from handrail.use_case import read_use_case

CASE = read_use_case(Path(__file__).parents[3])
JUDGE = Judge(CASE.model_copy(update={"fairness": Fairness(segments=("carrier",), least_rows=50)}), 0.5)
DRAWS = Intervals(100, 0)


@pytest.fixture
def rows():
    source = np.random.default_rng(2)
    carrier = source.choice(["AA", "DL", "OO", "UA"], 2000, p=[0.4, 0.3, 0.01, 0.29])
    label = (source.random(2000) < 0.4).astype(np.int8)
    answers = Answers(np.clip(label * 0.3 + source.random(2000) * 0.7 - (carrier == "UA") * 0.15, 0, 1))
    return answers, JUDGE.scored(answers, label, np.repeat(np.arange(20), 100)), {"carrier": carrier}


def test_differences_are_those_of_fairlearn_over_the_groups_that_are_large_enough(rows):
    answers, scored, values = rows

    found = compare_groups(*rows, JUDGE, DRAWS)["carrier"]

    large = values["carrier"] != "OO"
    frame = MetricFrame(
        metrics={"selection_rate": selection_rate, "false_negative_rate": false_negative_rate},
        y_true=scored.label[large],
        y_pred=(np.asarray(answers.score) >= 0.5)[large].astype(int),
        sensitive_features=values["carrier"][large],
    )
    for name in ("selection_rate", "false_negative_rate"):
        assert found[name]["difference"] == pytest.approx(frame.difference()[name], abs=1e-9)
        assert found[name]["ratio"] == pytest.approx(frame.ratio()[name], abs=1e-9)
        assert {group: of[name] for group, of in found["by_group"].items() if group != POOLED} == pytest.approx(
            dict(frame.by_group[name]), abs=1e-9
        )
    assert (found["groups"], found["judged"], found["rows"]) == (4, 3, 2000)
    assert found["by_group"][POOLED]["rows"] == (~large).sum()
    assert found["false_negative_rate"]["highest"] == "UA"
    assert found["false_negative_rate"]["difference_low"] > 0


def test_a_rate_that_no_row_counts_for_is_not_zero(rows):
    answers, scored, values = rows
    label = np.where(values["carrier"] == "DL", 0, scored.label)

    found = compare_groups(answers, replace(scored, label=label), values, JUDGE, DRAWS)["carrier"]

    assert found["by_group"]["DL"]["false_negative_rate"] is None
    assert found["false_negative_rate"]["lowest"] != "DL"


def test_a_policy_cites_all_but_the_table(rows):
    cited = without_tables(compare_groups(*rows, JUDGE, DRAWS))["carrier"]

    assert "by_group" not in cited
    assert {"difference", "difference_low", "difference_high", "ratio"} < {*cited["error_rate"]}


def test_without_segments_nothing_is_compared(rows):
    assert compare_groups(*rows, replace(JUDGE, case=CASE.model_copy(update={"fairness": None})), DRAWS) == {}
