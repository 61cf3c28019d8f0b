"""Values as a source gives them, read by the type of their column."""

import math
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handrail.acquisition import Column
from handrail.acquisition.domain.reading import as_json, read_column
from handrail.acquisition.domain.tables import TYPES, type_of, value_of

WINTER = timezone(timedelta(hours=1))
FITS = [
    ("text", "a", "a"),
    ("text", b"\xc3\xa9", "é"),
    ("text", 5, "5"),
    ("text", "", ""),
    ("whole", "12", 12),
    ("whole", 12.0, 12),
    ("whole", Decimal("12"), 12),
    ("whole", "", None),
    ("number", "1.5", 1.5),
    ("number", Decimal("1.5"), 1.5),
    ("number", math.nan, None),
    ("flag", "no", False),
    ("flag", 1, True),
    ("moment", "2026-11-30 11:00:00+01:00", "2026-11-30T10:00:00.000000Z"),
    ("moment", datetime(2026, 11, 30, 10), "2026-11-30T10:00:00.000000Z"),
    ("moment", datetime(2026, 11, 30, 11, tzinfo=WINTER), "2026-11-30T10:00:00.000000Z"),
    ("day", date(2026, 11, 30), "2026-11-30"),
    ("day", "2026-11-30", "2026-11-30"),
]
WRONG = [
    ("text", b"\xff", "a text in UTF-8"),
    ("text", "\ud800", "a text in UTF-8"),
    ("text", ["a"], "a text in UTF-8"),
    ("whole", 1.5, "a whole number"),
    ("whole", True, "a whole number"),
    ("whole", 2**63, "a whole number"),
    ("whole", "1e400000", "a whole number"),
    ("number", "inf", "a finite number"),
    ("number", {"a": 1}, "a finite number"),
    ("flag", 2, "true or false"),
    ("moment", "yesterday", "a moment"),
    ("moment", 5, "a moment"),
    ("day", datetime(2026, 11, 30, tzinfo=UTC), "a day"),
]


@pytest.mark.parametrize(("type_", "given_", "read"), FITS)
def test_what_means_the_same_is_read_as_the_same(type_, given_, read):
    assert value_of(Column("c", type_), given_) == read


@pytest.mark.parametrize(("type_", "given_", "expected"), WRONG)
def test_what_is_of_another_type_is_named_with_what_was_expected(type_, given_, expected):
    with pytest.raises(ValueError, match=f"^c is .*, expected {expected}"):
        value_of(Column("c", type_), given_)


def test_a_required_value_that_is_not_there_is_wrong():
    with pytest.raises(ValueError, match="^c is empty$"):
        value_of(Column("c", "whole", required=True), None)


@pytest.mark.parametrize(
    ("values", "type_"),
    [
        ([1, None, 2], "whole"),
        ([1, 2.5], "number"),
        ([True, False], "flag"),
        ([datetime(2026, 1, 1), None], "moment"),
        ([date(2026, 1, 1)], "day"),
        (["2026-01-01T00:00:00Z"], "moment"),
        (["20130801", "2013"], "text"),
        (["a", 1], "text"),
        ([1] * 40 + ["x"], "whole"),
        ([], "text"),
    ],
)
def test_the_narrowest_type_that_nearly_all_fit(values, type_):
    assert type_of(values) == type_


SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(),
    st.text(st.characters(), max_size=5),
    st.binary(max_size=3),
    st.decimals(allow_nan=True),
    st.datetimes(),
    st.dates(),
)


@given(
    st.sampled_from(TYPES),
    st.one_of(st.lists(SCALARS), st.lists(st.text(max_size=4)), st.lists(st.integers()), st.lists(st.floats())),
    st.booleans(),
)
def test_a_column_at_once_reads_as_value_by_value(type_, values, required):
    column = Column("c", type_, required)
    one_by_one, wrong = [], {}
    for number, value in enumerate(values):
        try:
            one_by_one.append(as_json(value_of(column, value)))
        except ValueError as err:
            one_by_one.append("null")
            wrong[number] = str(err)

    assert read_column(column, values) == (one_by_one, wrong)
