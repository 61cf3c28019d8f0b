"""Moments of predictions, as they are compared."""

from datetime import UTC, datetime, timedelta, timezone

from hypothesis import given
from hypothesis import strategies as st

from handrail.approvals.domain.predictions import Commitment, Foretelling, micros_of

MOMENT = datetime(2026, 1, 1, 12, tzinfo=UTC)


def test_a_moment_without_a_zone_is_utc():
    assert micros_of(MOMENT.replace(tzinfo=None)) == micros_of(MOMENT)
    assert micros_of(MOMENT.astimezone(timezone(timedelta(hours=5)))) == micros_of(MOMENT)


@given(st.datetimes(min_value=datetime(1900, 1, 1), max_value=datetime(2200, 1, 1)), st.integers(1, 10**9))
def test_a_later_moment_is_a_greater_number_to_the_microsecond(moment, later):
    assert micros_of(moment + timedelta(microseconds=later)) - micros_of(moment) == later


def test_a_commitment_says_all_it_has():
    assert Commitment(Foretelling("sha256:1", "flights", "ada"), "sha256:2", MOMENT).to_json() == {
        "predictions": "sha256:2",
        "tree_digest": "sha256:1",
        "model": "flights",
        "account": "ada",
        "at": "2026-01-01T12:00:00+00:00",
    }
