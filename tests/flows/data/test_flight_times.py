from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest

from flows.steps.data.flight_times import is_late, outcome_known_ts, with_times


@pytest.fixture(scope="module")
def timed(published: dict[str, pl.DataFrame]) -> pl.DataFrame:
    return with_times(published["flights"], published["airports"])


def test_every_flight_of_the_year_has_a_name_of_its_own(timed: pl.DataFrame) -> None:
    assert timed.get_column("flight_id").n_unique() == timed.height == 336_776
    assert timed.get_column("flight_id")[0] == "2013-01-01:UA:1545:0515:EWR"


def test_a_prediction_is_made_two_hours_before_the_scheduled_departure(timed: pl.DataFrame) -> None:
    first = timed.row(0, named=True)

    assert first["sched_dep_ts"] == datetime(2013, 1, 1, 10, 15, tzinfo=UTC)
    assert first["event_timestamp"] == datetime(2013, 1, 1, 8, 15, tzinfo=UTC)
    assert first["local_day"] == date(2013, 1, 1)


def test_arrivals_on_the_destinations_clock_leave_time_for_the_flight(timed: pl.DataFrame) -> None:
    between = (timed["arr_known_ts"] - timed["dep_known_ts"]).dt.total_minutes() - timed["air_time"]

    assert timed.get_column("sched_arr_ts").null_count() == 0
    assert between.mean() == pytest.approx(31.26, abs=0.01)
    assert (between < 0).sum() == 7


def test_labels_come_between_two_and_thirty_five_hours_after_the_prediction(timed: pl.DataFrame) -> None:
    after = timed["arr_known_ts"] - timed["event_timestamp"]

    assert after.min() == timedelta(hours=2, minutes=3)
    assert after.max() == timedelta(hours=34, minutes=42)
    assert after.null_count() == 9_430


def test_a_flight_that_never_landed_has_no_label_and_one_that_did_is_late_after_fifteen_minutes() -> None:
    frame = pl.DataFrame({"arr_delay": [15, 16, None]})

    assert frame.select(is_late()).to_series().to_list() == [0, 1, None]


def test_a_destination_without_a_time_zone_has_no_arrival(published: dict[str, pl.DataFrame]) -> None:
    flight = published["flights"].head(1).with_columns(dest=pl.lit("ZZZ"))

    timed = with_times(flight, published["airports"])

    assert timed.select("sched_arr_ts", known=outcome_known_ts()).row(0) == (None, None)


def test_an_arrival_in_the_hour_that_the_clock_skips_counts_as_an_hour_later(
    published: dict[str, pl.DataFrame],
) -> None:
    night = {"year": 2013, "month": 3, "day": 10, "sched_dep_time": 105, "hour": 1, "minute": 5, "sched_arr_time": 230}
    flight = (
        published["flights"]
        .head(1)
        .with_columns(
            *(pl.lit(value).cast(pl.Int64).alias(name) for name, value in night.items()),
            dest=pl.lit("BOS"),
            time_hour=pl.lit(datetime(2013, 3, 10, 6, tzinfo=UTC)),
        )
    )

    timed = with_times(flight, published["airports"])

    assert timed.get_column("sched_arr_ts")[0] == datetime(2013, 3, 10, 7, 30, tzinfo=UTC)
