"""What can be compared: metrics, guardrails and weights, and plans that cannot be followed."""

from __future__ import annotations

from dataclasses import replace

import pytest

from handrail.errors import InvalidInput
from handrail.feedback import ComparisonPlan, Guard, Measure, Sides
from tests.fakes.compared_versions import BUY, SPLIT, cohort_of, compared, split


def test_a_guardrail_that_breaks_makes_the_challenger_worse():
    rows = split(rates=(0.1, 0.2))
    ratings = [{**row, "label": 5.0 if row["variant"] == "champion" else 3.0 + n % 2} for n, row in enumerate(rows)]
    guard = Guard(Measure("stars", "mean_label", "higher"), 0.1)
    plan = ComparisonPlan(SPLIT, BUY, guards=(guard,))

    found = compared(rows, plan, {"stars": cohort_of(ratings, "stars")}.items())

    assert found.verdict.answer == "worse"
    assert found.verdict.broken == ("stars:mean_label",)
    kept = compared(
        rows, plan, {"stars": cohort_of([{**row, "label": 4.0 + n % 2} for n, row in enumerate(rows)], "stars")}.items()
    )
    assert (kept.verdict.answer, kept.guardrails[0].standing) == ("better", "held")


def test_silence_is_no_revenue():
    rows = split(count=2_000)
    for n, row in enumerate(rows):
        bought = n % 10 == 0
        row["label"] = (20.0 if row["variant"] == "champion" else 30.0) + n % 7 if bought else None
    plan = ComparisonPlan(SPLIT, Measure("sales", "revenue_per_prediction"), matters=0.5)

    found = compared(rows, plan)

    assert found.champion.judged == 2_000
    assert 2.0 < found.champion.mean < 2.7 < found.challenger.mean < 3.7
    assert found.verdict.answer == "better"
    cost = compared(rows, replace(plan, measure=Measure("sales", "cost_per_prediction")))
    assert cost.verdict.answer == "worse"


def test_latency_is_compared_without_an_outcome():
    rows = split(count=500, label=None)
    rows = [{**row, "latency_ms": (5.0 if row["variant"] == "champion" else 4.0) + n % 3} for n, row in enumerate(rows)]
    plan = ComparisonPlan(SPLIT, Measure("sale", "latency_ms"), matters=0.5)

    assert compared(rows, plan).verdict.answer == "better"


def test_sampled_predictions_count_for_those_that_they_represent():
    rows = split(count=2_000, rates=(0.1, 0.1))
    # Of buyers all were recorded, of others every second one: unweighted rates would double.
    kept = [
        {**row, "sampled": 1.0 if row["label"] else 0.5} for n, row in enumerate(rows) if row["label"] or n % 2 == 0
    ]

    found = compared(kept, shares=(0.5, 0.5))

    assert found.champion.mean == pytest.approx(0.1, abs=0.02)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"measure": ("truth", "roc_auc")}, "metric"),
        ({"measure": ("stars", "mean_label")}, "better"),
        ({"design": "fixed_horizon"}, "horizon"),
        ({"horizon": 100}, "horizon"),
        ({"measure": ("sales", "revenue_per_prediction")}, "matters"),
        ({"matters": 0.0}, "matters"),
        ({"matters": float("nan")}, "matters"),
        ({"shares": (0.5, 0.4)}, "shares"),
        ({"sides": ("variant", "a", "a")}, "variants"),
        ({"guard": 0.0}, "margin"),
    ],
)
def test_a_plan_that_cannot_be_followed_is_refused_before_anything_is_read(change, field):
    def plan():
        given = dict(change)
        sides, measure = (
            Sides(*given.pop("sides", ("variant", "a", "b"))),
            Measure(*given.pop("measure", ("s", "brier"))),
        )
        guards = (Guard(measure, given.pop("guard")),) if "guard" in given else ()
        return ComparisonPlan(sides, measure, guards=guards, **given)

    with pytest.raises(InvalidInput) as refused:
        plan()

    assert refused.value.field == field


def test_a_version_that_answered_nothing_is_named():
    with pytest.raises(InvalidInput, match="'challenger' made no prediction"):
        compared([row for row in split(count=300) if row["variant"] == "champion"])


def test_a_split_without_recorded_shares_has_to_say_them():
    rows = split(rates=(0.1, 0.2), propensity=None)

    with pytest.raises(InvalidInput, match="shares"):
        compared(rows)
    assert compared(rows, shares=(0.5, 0.5)).verdict.answer == "better"


def test_probabilities_need_labels_of_zero_and_one():
    plan = ComparisonPlan(SPLIT, Measure("stars", "brier"))

    with pytest.raises(InvalidInput, match="labels 0 and 1"):
        compared([{**row, "label": 3.0} for row in split(count=300)], plan)
