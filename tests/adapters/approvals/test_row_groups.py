"""Columns of labelled rows, seen apart as a use case says, whatever they hold."""

import datetime
from collections import Counter

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from handrail.approvals.adapters.row_groups import groups_of
from handrail.approvals.domain.cases import LONGEST_VALUE
from handrail.errors import InvalidInput
from tests.fakes.effort import tried


def _groups(values, least=1, most=50, kind=None, **cut):
    grouping = {"column": "x", "per": None, "edges": (), **cut}
    return groups_of(pa.chunked_array([pa.array(values, kind)]), grouping, least, most)


def _names(values, **how):
    groups = _groups(values, **how)
    return [groups.values[code] for code in groups.code]


@pytest.mark.parametrize(
    ("values", "names"),
    [
        (["b", "a", None, "a"], ["b", "a", "unknown", "a"]),
        ([True, False, None], ["true", "false", "unknown"]),
        ([10, 2, 10], ["10", "02", "10"]),
        ([-1, 2], ["-1", "2"]),
        ([0.5, None, 2.0, float("nan"), float("inf")], ["0.5", "unknown", "2", "unknown", "unknown"]),
        ([None, None], ["unknown", "unknown"]),
        ([1e300, 1.0], ["1e+300", "1"]),
        ([datetime.date(2013, 7, 1)], ["2013-07-01"]),
        (["x" * 200], ["x" * LONGEST_VALUE]),
        (["", "\u202e<b>"], ["", "\u202e<b>"]),
        ([["list"], ["list"]], ["['list']", "['list']"]),
    ],
)
def test_few_values_are_a_group_each(values, names):
    assert _names(values) == names


def test_a_number_of_many_values_is_cut_into_quarters():
    groups = _groups([float(value) for value in range(1000)])

    assert set(groups.values) == {"below 249.8", "249.8 to 499.5", "499.5 to 749.2", "749.2 and more"}
    assert Counter(groups.code.tolist()).most_common()[-1][1] == 250


def test_a_number_is_cut_as_is_said():
    assert _names([0.0, 59.0, 60.0, 1439.0, None], per=60) == ["00", "00", "01", "23", "unknown"]
    assert _names([5, 10, 15, None], edges=(10,)) == ["below 10", "10 and more", "10 and more", "unknown"]
    assert _names([0, 10, 20], edges=(10, 20)) == ["below 10", "10 to 20", "20 and more"]


def test_a_text_that_is_to_be_cut_as_a_number_is_refused():
    with pytest.raises(InvalidInput, match="'x' holds no numbers, and is to be cut as one"):
        _groups(["12"], per=60)


def test_a_text_that_is_none_is_refused():
    broken = pa.array([b"\xff\xfe", b"ok"]).view(pa.string())

    with pytest.raises(InvalidInput, match="holds what is no text"):
        groups_of(pa.chunked_array([broken]), {"column": "x", "per": None, "edges": ()}, 1, 9)


def test_small_groups_are_put_together():
    assert _names(["a"] * 5 + ["b", "c"], least=2) == ["a"] * 5 + [None, None]
    assert _names(["a", "b"], least=2) == [None, None]


columns = st.one_of(
    st.lists(st.none() | st.text(max_size=3), min_size=1, max_size=60),
    st.lists(st.none() | st.floats(), min_size=1, max_size=60),
    st.lists(st.none() | st.integers(-(2**62), 2**62), min_size=1, max_size=60),
)


@given(values=columns, least=st.integers(1, 8), most=st.integers(2, 6))
@tried(300)
def test_each_row_is_in_one_group_and_groups_are_few_and_large_enough(values, least, most):
    groups = _groups(values, least, most)

    counts = Counter(groups.code.tolist())
    assert len(groups.code) == len(values)
    assert set(counts) == set(range(len(groups.values)))
    assert len(set(groups.values)) == len(groups.values) <= most
    assert all(counts[code] >= least for code, value in enumerate(groups.values) if value is not None)
    assert np.issubdtype(groups.code.dtype, np.integer)
