from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from handrail.errors import InvalidInput
from handrail.statistics import BLOCKING_P, arm_ratio_p_value
from tests.fixtures.statistics.oracles import ORACLES

HALVES = np.array([0.5, 0.5])


@pytest.mark.parametrize("case", ORACLES["arm_ratio"], ids=lambda case: f"{case['shares']} {case['concentration']}")
def test_p_values_equal_those_of_savvi(case: dict[str, list[float]]) -> None:
    found = arm_ratio_p_value(np.array(case["subjects"]), np.array(case["shares"]), case["concentration"])

    # savvi gives the odds of each look alone, which may be above 1 and rise again.
    assert found == pytest.approx(np.minimum.accumulate(np.minimum(1, case["p_values"])), rel=1e-9)


def test_arms_as_intended_are_blocked_in_fewer_than_one_of_a_thousand_however_often_one_looks() -> None:
    steps = np.random.default_rng(0).binomial(200, 0.5, (4000, 100))
    first = np.cumsum(steps, axis=1)
    blocked = sum(
        arm_ratio_p_value(np.stack([of, 200 * np.arange(1, 101) - of], axis=1), HALVES)[-1] < BLOCKING_P
        for of in first[:1500]
    )

    assert blocked <= 4


def test_a_small_lasting_mismatch_is_found() -> None:
    steps = np.random.default_rng(0).binomial(400, 0.48, 100)
    subjects = np.cumsum(np.stack([steps, 400 - steps], axis=1), axis=0)

    p_value = arm_ratio_p_value(subjects, HALVES)

    assert p_value[4] > BLOCKING_P
    assert p_value[-1] < BLOCKING_P
    assert arm_ratio_p_value(subjects, np.array([0.48, 0.52]))[-1] > 0.05


@given(st.lists(st.tuples(st.integers(0, 300), st.integers(0, 300), st.integers(0, 300)), min_size=1, max_size=10))
def test_it_never_rises_and_the_order_of_arms_does_not_matter(new: list[tuple[int, int, int]]) -> None:
    subjects, shares = np.cumsum(new, axis=0), np.array([0.2, 0.3, 0.5])

    p_value = arm_ratio_p_value(subjects, shares)

    assert (np.diff(p_value) <= 0).all()
    assert p_value == pytest.approx(arm_ratio_p_value(subjects[:, ::-1], shares[::-1]), rel=1e-6)


def test_one_look_is_enough() -> None:
    assert arm_ratio_p_value(np.array([500, 500]), HALVES).tolist() == [1]
    assert arm_ratio_p_value(np.array([0, 0]), HALVES).tolist() == [1]


@pytest.mark.parametrize(
    ("subjects", "shares", "sentence"),
    [
        ([1, 2], [0.5, 0.6], "the sum 1"),
        ([1, 2], [0.0, 1.0], "the sum 1"),
        ([1, 2], [1.5, -0.5], "the sum 1"),
        ([1, 2, 3], [0.5, 0.5], "arms differ"),
        ([[5, 5], [6, 4]], [0.5, 0.5], "counts fall"),
        ([-1, 2], [0.5, 0.5], "counts fall"),
    ],
)
def test_counts_and_shares_that_cannot_be_are_refused(subjects: list[int], shares: list[float], sentence: str) -> None:
    with pytest.raises(InvalidInput, match=sentence):
        arm_ratio_p_value(np.array(subjects), np.array(shares))
