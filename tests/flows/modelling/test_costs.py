from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.steps.modelling.costs import cheapest, expected_cost
from handrail.statistics import Intervals, Scored
from handrail.use_case import Costs


def costs_of(missed: float, false_alarm: float) -> Costs:
    return Costs(unit="euros", missed=missed, false_alarm=false_alarm)


def scored_of(score: list[float], label: list[int]) -> Scored:
    return Scored(np.array(score), np.array(label), np.arange(len(score)) % 3)


def test_a_missed_positive_and_a_false_alarm_cost_what_the_description_says() -> None:
    scored = scored_of([0.9, 0.6, 0.4, 0.1], [1, 0, 1, 0])

    found = expected_cost(scored, 0.5, costs_of(8, 2), Intervals(20, 0))

    assert found.value == (8 + 2) / 4


@pytest.mark.parametrize(
    ("missed", "false_alarm", "threshold", "cost"),
    [(1, 1, 0.9, 0.25), (10, 1, 0.4, 0.25), (0, 1, np.nextafter(0.9, 1), 0.0), (1, 0, 0.4, 0.0)],
)
def test_the_cheapest_threshold_weighs_both_mistakes(
    missed: float, false_alarm: float, threshold: float, cost: float
) -> None:
    scored = scored_of([0.9, 0.6, 0.4, 0.1], [1, 0, 1, 0])

    assert cheapest(scored, costs_of(missed, false_alarm)) == (threshold, cost)


@given(
    st.lists(st.tuples(st.sampled_from([0.1, 0.2, 0.5, 0.9]), st.booleans()), min_size=3, max_size=30),
    st.integers(0, 9),
    st.integers(0, 9),
)
def test_no_threshold_is_cheaper_than_the_cheapest(
    rows: list[tuple[float, bool]], missed: int, false_alarm: int
) -> None:
    scored = scored_of([score for score, _ in rows], [int(positive) for _, positive in rows])
    costs = costs_of(missed, false_alarm)

    threshold, cost = cheapest(scored, costs)

    every = [expected_cost(scored, tried, costs, Intervals(1, 0)).value for tried in (0.1, 0.2, 0.5, 0.9, 1.0)]
    assert cost == pytest.approx(min(every))
    assert expected_cost(scored, threshold, costs, Intervals(1, 0)).value == pytest.approx(cost)
