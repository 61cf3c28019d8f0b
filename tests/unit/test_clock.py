"""The two clocks."""

from datetime import UTC, date, datetime, timedelta

import pytest

from handrail.clock import EventClock, midnight, parse_moment, system_time

NOON = datetime(2013, 9, 1, 12, tzinfo=UTC)


def test_event_time_is_system_time_in_production():
    assert abs(EventClock(None)() - system_time()) < timedelta(seconds=5)


def test_event_time_is_what_the_replay_driver_wrote(tmp_path):
    file = tmp_path / "replay" / "now"

    EventClock(file).set(NOON)

    assert EventClock(file)() == NOON


def test_before_the_first_replayed_moment_event_time_is_system_time(tmp_path):
    assert EventClock(tmp_path / "now")() > NOON


def test_nobody_moves_event_time_in_production():
    with pytest.raises(RuntimeError, match="replay mode is off"):
        EventClock(None).set(NOON)


@pytest.mark.parametrize(
    "text", ["2013-09-01T12:00:00Z", "2013-09-01T12:00:00", "2013-09-01T08:00:00-04:00", " 2013-09-01T12:00:00+00:00\n"]
)
def test_a_moment_is_read_as_utc(text):
    assert parse_moment(text) == NOON


def test_a_local_day_begins_at_its_own_midnight_in_summer_and_in_winter():
    assert midnight(date(2013, 7, 1), "America/New_York") == datetime(2013, 7, 1, 4, tzinfo=UTC)
    assert midnight(date(2013, 12, 1), "America/New_York") == datetime(2013, 12, 1, 5, tzinfo=UTC)
