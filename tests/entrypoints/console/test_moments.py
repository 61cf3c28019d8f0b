"""A moment, a day, a month or a year, in the ways that people and pages write them."""

from datetime import UTC, datetime, timedelta

import pytest

from handrail.entrypoints.console.moments import read_moment, read_span
from handrail.entrypoints.console.words import day, when
from handrail.errors import InvalidInput

AT = datetime(2026, 11, 28, 21, 54, tzinfo=UTC)
BEYOND = ("0001-01-01T00:00+14:00", "9999-12-31 23:59 -12:00", "2026-11-28\0", "0000", "9999-12")


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-28 21:54",
        "2026-11-28T21:54:00Z",
        "2026-11-28 21:54 UTC",
        "2026-11-28T23:54+02:00",
        "2026-11-28 23:54 +02:00",
        "28 Nov 2026, 21:54:00 UTC",
        "28 Nov 2026, 21:54",
        "28 November 2026 at 21:54",
        "28.11.2026 21:54",
        "28. 11. 2026, 21:54".replace(". ", "."),
    ],
)
def test_a_moment_is_read_in_every_form_and_in_utc_without_a_zone(text):
    assert read_moment(text) == AT


def test_what_pages_print_is_read_back():
    assert read_span(when(AT)) == (AT, AT)
    assert read_span(day(AT)) == read_span("2026-11-28")


@pytest.mark.parametrize("text", ["2026-11-28", "20261128", "28.11.2026", "28 Nov 2026"])
def test_a_day_alone_is_all_of_it(text):
    assert read_span(text) == (AT.replace(hour=0, minute=0), AT.replace(hour=23, minute=59, second=59))


@pytest.mark.parametrize("text", ["2026-11", "Nov 2026", "november 2026", "NOV. 2026", "November"])
def test_a_month_is_all_of_it(text):
    start, end = read_span(text, now=AT)

    assert (start, end + timedelta(seconds=1)) == (datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 12, 1, tzinfo=UTC))


def test_a_month_alone_is_the_last_one_and_a_year_all_of_it():
    assert read_span("December", now=AT)[0] == datetime(2025, 12, 1, tzinfo=UTC)
    assert read_span("2013") == (datetime(2013, 1, 1, tzinfo=UTC), datetime(2013, 12, 31, 23, 59, 59, tzinfo=UTC))


@pytest.mark.parametrize(
    "text",
    ["last tuesday", "2026-13-01", "31.02.2026", "<script>", "2026-11-28 25:00", "foo 2026", "September", *BEYOND],
)
def test_what_is_no_moment_is_said_with_how_to_write_one(text):
    with pytest.raises(InvalidInput, match=r"is not a moment. Write it like"):
        read_moment(text)
