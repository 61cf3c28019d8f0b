"""Ranges of a value that grows."""

from datetime import date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handrail.acquisition.domain.ranges import Range, bounds, merged


@given(
    st.one_of(
        st.tuples(st.integers(), st.integers()),
        st.tuples(st.datetimes(), st.datetimes()),
        st.tuples(st.dates(), st.dates()),
    ),
    st.integers(1, 40),
)
def test_bounds_grow_lie_above_the_lowest_and_end_with_the_highest(ends, most):
    low, high = min(ends), max(ends)

    found = bounds(low, high, most)

    assert found[-1] == high
    assert len(found) <= most
    assert found == sorted(set(found))
    assert all(each > low for each in found[:-1])


@pytest.mark.parametrize("high", ["b", True])
def test_what_has_no_differences_is_one_part(high):
    assert bounds("a" if high == "b" else False, high) == [high]


def test_a_wide_range_is_cut_into_equal_parts():
    assert bounds(0, 100, 4) == [25, 50, 75, 100]
    assert bounds(date(2026, 1, 1), date(2026, 1, 5), 2) == [date(2026, 1, 3), date(2026, 1, 5)]
    assert bounds(datetime(2026, 1, 1), datetime(2026, 1, 3), 2) == [datetime(2026, 1, 2), datetime(2026, 1, 3)]


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(-9, 9)), min_size=1, max_size=40), st.integers(1, 10))
def test_merged_ranges_hold_the_same_rows(counted, most):
    ranges = [Range(upper, count, str(total)) for upper, (count, total) in enumerate(counted)]

    found = merged(ranges, most)

    assert len(found) <= max(most, 1)
    assert found[-1].upper == ranges[-1].upper
    assert sum(each.count for each in found) == sum(each.count for each in ranges)
    assert sum(int(each.total) for each in found) == sum(int(each.total) for each in ranges)
