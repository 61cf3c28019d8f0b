"""How values are written for people."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from handrail.entrypoints.console import words


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.7459876, "0.7460"),
        (0, "0"),
        (26857, "26,857"),
        (-0.0026, "−0.0026"),
        (3.2e-07, "0.00000032"),
        (1e-05, "0.000010"),
        (float("nan"), "nan"),
        (True, "True"),
        ("sha256:00", "sha256:00"),
    ],
)
def test_a_number_has_as_many_digits_as_say_something(value, text):
    assert words.number(value) == text


@pytest.mark.parametrize(
    ("first", "last", "text"),
    [
        ("2013-09-01", "2013-09-30", " of 1 to 30 September 2013"),
        ("2013-08-30", "2013-09-01", " of 30 August to 1 September 2013"),
        ("2013-12-31", "2014-01-01", " of 31 December 2013 to 1 January 2014"),
        ("2013-09-01", "2013-09-01", " of 1 September 2013"),
        ("shop a", "shop b", ""),
    ],
)
def test_days_are_written_as_people_do_and_other_names_are_left_out(first, last, text):
    assert words.span_words(first, last) == text


@pytest.mark.parametrize(
    ("value", "text"), [(0.0027, "+0.0027"), (-0.0027, "−0.0027"), (0.0, "0.0000"), (-1e-9, "0.0000")]
)
def test_a_difference_has_its_sign_unless_it_rounds_to_nothing(value, text):
    assert words.signed(value) == text


def test_shares_are_percent_and_their_differences_points():
    assert (words.share(0.2435), words.points(-0.001), words.points(0.03)) == ("24.3 %", "−0.1", "+3.0")


def test_moments_are_in_utc_whatever_zone_they_came_in():
    at = datetime(2026, 11, 28, 23, 55, 13, tzinfo=timezone(timedelta(hours=2)))

    assert words.when(at) == "28 Nov 2026, 21:55:13 UTC"
    assert words.when("2026-11-28T21:55:13.684+00:00", seconds=False) == "28 Nov 2026, 21:55 UTC"
    assert words.moment("2026-11-28 21:55").tzinfo is UTC


def test_names_and_counts_read_as_sentences():
    assert words.listed(["Ada", "Ben", "Cleo"]) == "Ada, Ben and Cleo"
    assert (words.listed([]), words.listed(["Ada"], "or")) == ("", "Ada")
    assert (words.counted(1, "file"), words.counted(7, "file"), words.counted(2, "money", "money")) == (
        "1 file",
        "7 files",
        "2 money",
    )


def test_a_measure_has_the_name_that_the_field_uses():
    assert words.metric("evaluation.roc_auc") == "ROC-AUC"
    assert words.metric("evaluation.roc_auc_low") == "ROC-AUC, lower end of the interval"
    assert words.metric("comparison.ci_low") == "Difference to the champion, lower end"
    assert words.metric("mine.largest_gap") == "largest gap"


@pytest.mark.parametrize(
    ("low", "high", "digits"),
    [(0.702, 0.753, 2), (0.741, 0.757, 3), (0.2, 0.9, 1), (0.75, 0.7501, 4), (3.0, 9.0, 0), (0.7, 0.7, 4)],
)
def test_a_value_has_as_many_digits_as_its_interval_bears(low, high, digits):
    assert words.digits_within(low, high) == digits
    assert words.digits_within(None, None) == 2
