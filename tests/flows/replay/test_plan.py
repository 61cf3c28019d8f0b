from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from typing import Any

import polars as pl
import pytest

from flows.steps.replay.plan import BATCH_HOUR, replayed_days, request_of, timeline, with_batch_hours
from flows.steps.replay.truth import Fate, fate_of
from handrail.errors import InvalidInput

DEPARTURE = datetime(2013, 8, 8, 14, 40, tzinfo=UTC)


def flight_id(fate: Fate) -> str:
    ids = (f"2013-08-08:AA:{number}:1040:JFK" for number in range(1, 9999))
    return next(name for name in ids if fate_of(name) is fate)


def flights(*ids: str, landed: bool = True) -> pl.DataFrame:
    rows: list[dict[str, Any]] = [
        {
            "flight_id": name,
            "local_day": date(2013, 8, 8),
            "carrier": "AA",
            "origin": "JFK",
            "dest": "LAX",
            "tailnum": "N1AA",
            "flight": int(name.split(":")[2]),
            "sched_dep_ts": DEPARTURE,
            "sched_arr_ts": DEPARTURE + timedelta(hours=6),
            "distance": 2475,
            "event_timestamp": DEPARTURE - timedelta(hours=2),
            "arr_known_ts": DEPARTURE + timedelta(hours=6, minutes=25) if landed else None,
            "late": 1 if landed else None,
        }
        for name in ids
    ]
    return pl.DataFrame(rows, schema_overrides={"arr_known_ts": pl.Datetime("us", "UTC"), "late": pl.Int8})


def test_ten_days_are_two_a_month_of_different_weekdays() -> None:
    days = replayed_days(10)

    assert Counter(day.month for day in days) == dict.fromkeys(range(8, 13), 2)
    assert len({day.weekday() for day in days}) >= 5
    assert len({day.weekday() >= 5 for day in days}) == 2


@pytest.mark.parametrize("count", [0, 154])
def test_an_impossible_number_of_days_is_refused(count: int) -> None:
    with pytest.raises(InvalidInput, match=str(count)):
        replayed_days(count)


def test_a_flight_is_predicted_in_the_hour_of_two_hours_before_departure() -> None:
    name = flight_id(Fate.PUNCTUAL)

    first, last = timeline(flights(name))

    assert first.at == datetime(2013, 8, 8, 12, tzinfo=UTC)
    assert [flight["flight_id"] for flight in first.flights] == [name]
    assert with_batch_hours(flights(name))[BATCH_HOUR].to_list() == [first.at]
    assert last.flights == ()


def test_an_outcome_is_posted_at_the_end_of_the_hour_in_which_it_came_in() -> None:
    first, last = timeline(flights(flight_id(Fate.PUNCTUAL)))

    assert first.reports == ()
    assert last.at == datetime(2013, 8, 8, 22, tzinfo=UTC)
    assert [report.late for report in last.reports] == [True]


def test_no_report_comes_before_its_flight_was_predicted() -> None:
    hours = timeline(flights(*(flight_id(fate) for fate in Fate)))

    predicted = {flight["flight_id"]: hour.at for hour in hours for flight in hour.flights}
    assert all(predicted[report.flight_id] < hour.at for hour in hours for report in hour.reports)
    assert [hour.at for hour in hours] == sorted(hour.at for hour in hours)


def test_a_request_tells_nothing_that_is_known_only_later() -> None:
    (row,) = flights(flight_id(Fate.PUNCTUAL)).rows(named=True)

    assert request_of(row).keys() == {
        "flight_id", "carrier", "origin", "dest", "tailnum", "flight", "sched_dep", "sched_arr", "distance",
    }  # fmt: skip
    assert request_of(row) == request_of(row | {"arr_known_ts": None, "late": None})


def test_a_flight_that_never_lands_is_predicted_and_never_reported() -> None:
    (only,) = timeline(flights(flight_id(Fate.PUNCTUAL), landed=False))

    assert len(only.flights) == 1
    assert only.reports == ()
