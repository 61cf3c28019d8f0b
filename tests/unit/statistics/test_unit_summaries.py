from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from handrail.statistics import summarise_categories, summarise_numbers
from handrail.statistics.unit_summaries import PROFILE


def test_numbers_are_summarised_by_unit_whatever_the_order_of_rows() -> None:
    values, unit = np.array([4.0, np.nan, 1.0, 2.0, np.nan]), np.array([1, 0, 0, 1, 2])

    seen = summarise_numbers(values, unit, 4)

    assert seen.level[:2].tolist() == [1.0, 3.0]
    assert np.isnan(seen.level[2:]).all()
    assert seen.missing[:3].tolist() == [0.5, 0.0, 1.0]
    assert np.isnan(seen.missing[3]), "a unit without rows says nothing"
    assert seen.profile[1] == pytest.approx(np.quantile([2.0, 4.0], PROFILE))


def test_categories_are_shares_of_the_rows_that_have_one() -> None:
    seen = summarise_categories(np.array([0, 0, 1, -1, 1]), np.array([0, 0, 0, 0, 1]), 3, 2)

    assert seen.profile[:2].tolist() == [[2 / 3, 1 / 3], [0.0, 1.0]]
    assert seen.missing[:2].tolist() == [0.25, 0.0]
    assert np.isnan(seen.profile[2]).all()
    assert seen.categorical


def test_units_that_follow_may_have_more_categories() -> None:
    few = summarise_categories(np.array([0]), np.array([0]), 1, 1)
    more = summarise_categories(np.array([1]), np.array([0]), 1, 2)

    assert few.followed_by(more).profile.tolist() == [[1.0, 0.0], [0.0, 1.0]]


@given(st.lists(st.tuples(st.floats(-1e6, 1e6), st.integers(0, 3)), min_size=1, max_size=60))
def test_the_mean_of_each_unit_is_that_of_its_own_rows(rows: list[tuple[float, int]]) -> None:
    values, unit = (np.array(each) for each in zip(*rows, strict=True))

    seen = summarise_numbers(values, unit, 4)

    for number in range(4):
        own = values[unit == number]
        assert np.isnan(seen.level[number]) if not len(own) else seen.level[number] == pytest.approx(own.mean())
