from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from flows.steps.data.live import request_of
from flows.steps.replay.plan import BATCH_HOUR, outcomes_of, replayed_days, timeline, with_batch_hours
from flows.steps.replay.truth import Fate, fate_of
from handrail.errors import InvalidInput
from handrail.use_case import Label, read_use_case

CASE = read_use_case(Path(__file__).parents[3])
LIVE_DAYS = pl.Series([date(2013, 12, 31), date(2013, 8, 1), date(2013, 9, 1)])
DEPARTURE = datetime(2013, 8, 8, 14, 40, tzinfo=UTC)


def flight_id(fate: Fate) -> str:
    ids = (f"2013-08-08:AA:{number}:1040:JFK" for number in range(1, 9999))
    return next(name for name in ids if fate_of(name) is fate)


def flights(*ids: str, landed: bool = True) -> pl.DataFrame:
    rows: list[dict[str, Any]] = [
        {
            "flight_id": name,
            "day": date(2013, 8, 8),
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
    days = replayed_days(LIVE_DAYS, 10)

    assert Counter(day.month for day in days) == dict.fromkeys(range(8, 13), 2)
    assert len({day.weekday() for day in days}) >= 5
    assert len({day.weekday() >= 5 for day in days}) == 2


@pytest.mark.parametrize("count", [0, 154])
def test_an_impossible_number_of_days_is_refused(count: int) -> None:
    with pytest.raises(InvalidInput, match=str(count)):
        replayed_days(LIVE_DAYS, count)


def test_a_flight_is_predicted_in_the_hour_of_two_hours_before_departure() -> None:
    name = flight_id(Fate.AT_ONCE)

    first, last = timeline(flights(name), CASE)

    assert first.at == datetime(2013, 8, 8, 12, tzinfo=UTC)
    assert [flight["flight_id"] for flight in first.items] == [name]
    assert with_batch_hours(flights(name), CASE)[BATCH_HOUR].to_list() == [first.at]
    assert last.items == ()


def test_an_outcome_is_posted_at_the_end_of_the_hour_in_which_it_came_in() -> None:
    first, last = timeline(flights(flight_id(Fate.AT_ONCE)), CASE)

    assert first.reports == ()
    assert last.at == datetime(2013, 8, 8, 22, tzinfo=UTC)
    assert [report.value for report in last.reports] == [1.0]


def test_no_report_comes_before_its_flight_was_predicted() -> None:
    hours = timeline(flights(*(flight_id(fate) for fate in Fate)), CASE)

    predicted = {flight["flight_id"]: hour.at for hour in hours for flight in hour.items}
    assert all(predicted[report.subject] < hour.at for hour in hours for report in hour.reports)
    assert [hour.at for hour in hours] == sorted(hour.at for hour in hours)


def test_a_request_holds_nothing_that_is_known_only_later() -> None:
    (row,) = flights(flight_id(Fate.AT_ONCE)).rows(named=True)

    assert request_of(row).keys() == {
        "flight_id", "carrier", "origin", "dest", "tailnum", "flight", "sched_dep", "sched_arr", "distance",
    }  # fmt: skip
    assert request_of(row) == request_of(row | {"arr_known_ts": None, "late": None})


def test_a_flight_that_never_lands_is_predicted_and_its_outcome_never_reported() -> None:
    first, *later = timeline(flights(flight_id(Fate.AT_ONCE), landed=False), CASE)

    assert len(first.items) == 1
    assert first.reports == ()
    assert {report.kind for hour in later for report in hour.reports} == {"rebooking_cost"}


@pytest.mark.parametrize(
    ("label", "truth", "value", "mistaken"),
    [
        (Label(column="late", kind="binary", positive="late", negative="punctual"), 1, 1.0, 0.0),
        (Label(column="late", kind="multiclass", classes=("home", "draw", "away")), "away", 2.0, 0.0),
        (Label(column="late", kind="count"), 7, 7.0, 8.0),
    ],
)
def test_a_wrong_first_report_says_another_value_of_its_kind(
    label: Label, truth: Any, value: float, mistaken: float
) -> None:
    case = CASE.model_copy(update={"label": label})
    rows = flights(flight_id(Fate.CORRECTED)).with_columns(late=pl.lit(truth))

    (outcome,) = outcomes_of(rows, case, "event_timestamp")

    assert (outcome.value, outcome.mistaken) == (value, mistaken)
    hours = timeline(rows, case)
    assert [report.value for hour in hours for report in hour.reports] == [mistaken, value]
