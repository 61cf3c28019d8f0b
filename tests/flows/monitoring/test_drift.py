"""Drift within a budget: which columns of a month changed, by whole weeks, and what that costs."""

from __future__ import annotations

import json
from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from flows.steps.monitoring.config import DriftBudget
from flows.steps.monitoring.drift import FEWEST, judge_drift
from flows.steps.monitoring.loss import loss_of
from tests.fakes.monitored import CASE

BUDGET = DriftBudget(false_alarms=1, months=12)
A_DAY = 20


def rows(first: date, days: int, seed: int, shift: float = 0.0, kinds: str = "AAB") -> pl.DataFrame:
    """Days whose rows share a part of their values, so that single rows are no independent observations."""
    source = np.random.default_rng(seed)
    shared = np.repeat(source.normal(0, 0.1, days), A_DAY)
    return pl.DataFrame(
        {
            "local_day": [first + timedelta(days=number // A_DAY) for number in range(days * A_DAY)],
            "score": np.clip(0.5 + shift + shared + source.normal(0, 0.05, days * A_DAY), 0, 1),
            "temp": 5 * shared + source.normal(0, 1, days * A_DAY),
            "carrier": source.choice(list(kinds), days * A_DAY),
        }
    )


REFERENCE = rows(date(2012, 8, 1), 365, 0)


def test_a_month_like_the_reference_names_nothing() -> None:
    found = judge_drift(REFERENCE, rows(date(2013, 9, 1), 30, 1), (), BUDGET, 7)

    assert (found.named, found.units, found.reason) == ((), 4, None)
    assert set(found.evidence) == {"score", "temp", "carrier"}
    assert found.strength < 1 / BUDGET.level


def test_moved_scores_are_named_and_the_others_are_not() -> None:
    found = judge_drift(REFERENCE, rows(date(2013, 9, 1), 30, 1, shift=0.3), (), BUDGET, 7)

    assert found.named == ("score",)
    assert found.strength >= 1 / BUDGET.level


def test_a_category_that_was_never_seen_is_drift() -> None:
    found = judge_drift(REFERENCE, rows(date(2013, 9, 1), 30, 1, kinds="ABC"), (), BUDGET, 7)

    assert found.named == ("carrier",)


def test_a_year_of_reference_is_compared_season_by_season_and_half_a_year_is_not() -> None:
    month = rows(date(2013, 9, 1), 30, 1)

    whole = judge_drift(REFERENCE, month, (), BUDGET, 7)
    half = judge_drift(rows(date(2013, 1, 1), 181, 0), month, (), BUDGET, 7)

    assert (whole.seasonal, whole.reference_units) == (True, 13)
    assert (half.seasonal, half.reference_units) == (False, 25)


def test_a_small_shift_is_named_once_the_months_before_count_too() -> None:
    names = ("2013-07-01", 31), ("2013-08-01", 31), ("2013-09-01", 30)
    months = [rows(date.fromisoformat(first), days, number, shift=0.08) for number, (first, days) in enumerate(names)]
    earlier = [json.loads(json.dumps(judge_drift(REFERENCE, month, (), BUDGET, 7).as_json())) for month in months[:2]]

    alone = judge_drift(REFERENCE, months[2], (), BUDGET, 7)
    together = judge_drift(REFERENCE, months[2], earlier, BUDGET, 7)

    assert (alone.units, together.units) == (4, 12)
    assert together.evidence["score"] > 10 * alone.evidence["score"]


@pytest.mark.parametrize("other", [{}, {"key": "another", "summaries": {}}])
def test_a_month_before_of_another_reference_ends_what_counts(other: dict[str, object]) -> None:
    july, august = rows(date(2013, 7, 1), 31, 2), rows(date(2013, 8, 1), 31, 3)
    first = judge_drift(REFERENCE, july, (), BUDGET, 7).as_json()

    assert judge_drift(REFERENCE, august, (first,), BUDGET, 7).units == 8
    assert judge_drift(REFERENCE, august, (first, other), BUDGET, 7).units == 4


def test_judging_a_month_again_gives_the_same() -> None:
    july, august = rows(date(2013, 7, 1), 31, 2), rows(date(2013, 8, 1), 31, 3)
    first = json.loads(json.dumps(judge_drift(REFERENCE, july, (), BUDGET, 7).as_json()))

    assert json.loads(json.dumps(judge_drift(REFERENCE, july, (), BUDGET, 7).as_json())) == first
    assert (
        judge_drift(REFERENCE, august, (first,), BUDGET, 7).as_json()
        == judge_drift(REFERENCE, august.sample(fraction=1, shuffle=True, seed=1), (first,), BUDGET, 7).as_json()
    )


def test_a_reference_that_is_too_short_or_has_no_days_says_so() -> None:
    month = rows(date(2013, 9, 1), 30, 1)

    short = judge_drift(rows(date(2013, 1, 1), 7 * FEWEST - 1, 0), month, (), BUDGET, 7)
    timeless = judge_drift(REFERENCE.drop("local_day"), month, (), BUDGET, 7)
    brief = judge_drift(REFERENCE, rows(date(2013, 9, 1), 6, 1), (), BUDGET, 7)

    assert short.reason == "The reference has 11 units of 7 days, and 12 are needed."
    assert timeless.reason == "The reference has no days, so its weeks cannot be kept apart."
    assert brief.reason == "The month has no whole unit of 7 days."


def answered(mean: float, n: int = 3000, seed: int = 0) -> pl.DataFrame:
    source = np.random.default_rng(seed)
    score = source.beta(8 * mean, 8 * (1 - mean), n)
    return pl.DataFrame(
        {
            "local_day": [date(2013, 7, 1 + number % 30) for number in range(n)],
            "score": score,
            "predicted": (score > 0.5).astype(int),
            "outcome": (source.random(n) < score).astype(float),
        }
    )


def test_scores_that_say_less_cost_ranking_before_any_label() -> None:
    unknown = answered(0.5).with_columns(outcome=pl.lit(None, pl.Float64))
    flat = unknown.with_columns(score=0.45 + pl.col("score") * 0.1)

    same, less = (loss_of(CASE, lambda: answered(0.5, seed=1), month) for month in (unknown, flat))

    assert same.basis == less.basis == "estimated"
    assert same.value == pytest.approx(0, abs=0.02)
    assert less.value is not None
    assert less.low is not None
    assert less.value > 0.05
    assert less.low <= less.value


def test_what_cannot_be_estimated_is_measured_on_known_outcomes() -> None:
    metrics = CASE.metrics.model_copy(update={"main": "average_precision"})
    other = CASE.model_copy(update={"metrics": metrics})

    found = loss_of(other, lambda: answered(0.5), answered(0.3))

    assert found.basis == "realised"
    assert found.value is not None
    assert found.value > 0.05


def test_without_labelled_rows_nobody_knows_the_loss() -> None:
    for none in (None, answered(0.5).with_columns(outcome=pl.lit(None, pl.Float64))):
        found = loss_of(CASE, lambda none=none: none, answered(0.5))
        assert (found.value, found.basis) == (None, None)
        assert "labelled rows" in str(found.reason)
