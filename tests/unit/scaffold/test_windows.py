"""Windows are cut at starts of months where they can, and rows without a time get the same one on each machine."""

from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest

from handrail.errors import InvalidInput
from handrail.scaffold.windows import MADE_FROM, MADE_UNTIL, cut, made_moment

LAST = datetime(2020, 12, 31, 12, tzinfo=UTC)


def _days(first, number, rows=10):
    return {first + timedelta(days=day): rows for day in range(number)}


def test_a_year_is_cut_at_starts_of_months():
    windows = cut(_days(date(2020, 1, 1), 366), LAST, "America/New_York")

    assert (windows.train_from, windows.train_until, windows.validate_until) == (
        date(2020, 1, 1), date(2020, 7, 1), date(2020, 9, 1)
    )  # fmt: skip
    assert windows.go_live == datetime(2020, 9, 1, 4, tzinfo=UTC)
    assert windows.live_until == datetime(2021, 1, 1, 5, tzinfo=UTC)
    assert windows.outcomes_until > windows.live_until


def test_three_weeks_are_cut_at_days():
    windows = cut(_days(date(2020, 5, 10), 20), LAST, "UTC")

    assert (windows.train_until, windows.validate_until) == (date(2020, 5, 20), date(2020, 5, 23))
    assert "too few months" in windows.note


def test_a_long_thin_beginning_is_cut_by_rows():
    days = _days(date(2020, 1, 1), 300, rows=0) | _days(date(2020, 10, 27), 60)

    windows = cut(days, LAST, "UTC")

    assert date(2020, 11, 20) < windows.train_until < windows.validate_until < date(2020, 12, 10)


def test_two_days_do_not_make_three_windows():
    with pytest.raises(InvalidInput, match="three windows"):
        cut(_days(date(2020, 1, 1), 2, rows=500), LAST, "UTC")


def test_made_moments_are_spread_evenly_and_stay_as_they_are():
    moments = pl.select(made_moment(pl.int_range(1, 60_001)).alias("at"))["at"]

    assert moments[0] == datetime(2024, 5, 13, 22, 58, 55, tzinfo=UTC)
    assert moments.dt.date().min() == MADE_FROM
    assert moments.dt.date().max() == MADE_UNTIL - timedelta(days=1)
    months = moments.dt.month().value_counts()["count"]
    assert months.min() > 9_000
    assert abs(pl.select(pl.corr(pl.int_range(60_000), moments.dt.epoch().cast(float))).item()) < 0.02
