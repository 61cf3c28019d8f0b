from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from flows.steps.modelling.judge import Judge
from flows.steps.modelling.slices import POOLED, better_bound, in_calendar_order, judge_slices, pooled, worst
from handrail.statistics import Intervals, Scored, metric_named
from handrail.use_case import read_use_case

FLIGHTS = Judge(read_use_case(Path(__file__).parents[3]), 0.5)


@pytest.mark.parametrize(("smallest", "kept"), [(1, "UAO"), (2, "UA"), (3, "U"), (5, "U"), (6, "")])
def test_a_group_of_the_smallest_size_itself_is_kept(smallest: int, kept: str) -> None:
    groups = np.array([*"UUUUU", *"AA", "O"])

    assert set(pooled(groups, smallest)) - {POOLED} == {*kept}
    assert np.count_nonzero(pooled(groups, smallest) == POOLED) == sum(name not in kept for name in groups)


def test_a_group_is_judged_by_its_own_flights_alone() -> None:
    source = np.random.default_rng(0)
    score, late = source.random(400).round(2), source.integers(0, 2, 400).astype(np.int8)
    day, group = source.integers(0, 9, 400), np.where(np.arange(400) < 150, "A", "B")
    score[:2], late[:2] = 0.5, 1

    judged = judge_slices(Scored(score, late, day), group, FLIGHTS, Intervals(20, 0))

    for name in "AB":
        mine, is_late = group == name, (group == name) & (late == 1)
        assert judged[name]["rows"] == np.count_nonzero(mine)
        assert judged[name]["days"] == len(set(day[mine]))
        assert judged[name]["base_rate"] == pytest.approx(late[mine].mean(), abs=1e-9)
        assert judged[name]["mean_probability"] == pytest.approx(score[mine].mean(), abs=1e-9)
        assert judged[name]["missed_rate"] == pytest.approx(np.mean(score[is_late] < 0.5), abs=1e-9)
        shares = [judged[name][share] for share in ("base_rate", "mean_probability", "missed_rate")]
        assert shares == [round(share, 9) for share in shares]
        assert judged[name]["roc_auc"]["value"] == pytest.approx(roc_auc_score(late[mine], score[mine]), abs=1e-9)


def test_a_group_of_late_flights_alone_has_no_area_and_may_miss_all() -> None:
    scored = Scored(np.array([0.1, 0.2, 0.3]), np.ones(3, dtype=np.int8), np.zeros(3, dtype=int))

    judged = judge_slices(scored, np.array(["A"] * 3), replace(FLIGHTS, threshold=0.25), Intervals(20, 0))["A"]

    assert (judged["roc_auc"], judged["missed_rate"], judged["base_rate"]) == (None, 0.666666667, 1.0)


def test_the_worst_slice_is_the_one_whose_flights_are_separated_least() -> None:
    slices = {
        name: {"roc_auc": {"value": value, "low": 0.1, "high": value + 0.05}}
        for name, value in (("A", 0.7), ("B", 0.6))
    }

    assert worst(slices | {"C": {"roc_auc": None}}, FLIGHTS.metric) == ("B", 0.6, 0.65)
    assert worst({"C": {"roc_auc": None}}, FLIGHTS.metric) is None


def test_of_errors_the_largest_is_the_worst_and_its_lower_bound_the_better_one() -> None:
    error = metric_named("regression", "mae")
    slices = {name: {"mae": {"value": value, "low": 0.1, "high": 9.0}} for name, value in (("A", 0.7), ("B", 0.6))}

    assert worst(slices, error) == ("A", 0.7, 0.1)
    assert (better_bound(error), better_bound(FLIGHTS.metric)) == ("low", "high")


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["Fri", "Mon", "Sat", "Sun", "Thu", "Tue", "Wed"], ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]),
        (["april", "february", "may", "others"], ["february", "april", "may", "others"]),
        (["bath", "leeds", "mon"], ["bath", "leeds", "mon"]),
        ([], []),
    ],
)
def test_days_and_months_follow_one_another(names: list[str], expected: list[str]) -> None:
    assert in_calendar_order(names) == expected
