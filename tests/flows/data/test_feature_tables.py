from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl
import pytest

from feature_repo.definitions import SELECTED, TEXTS, VIEWS
from flows.steps.data.acquire import known_at
from flows.steps.data.feature_tables import build_tables

YEAR_END = datetime(2014, 1, 2, tzinfo=UTC)
Tables = dict[str, pl.DataFrame]


def _build(raw: Tables, until: datetime) -> Tables:
    return build_tables(raw["flights"], raw["weather"], raw["planes"], raw["airports"], until)


@pytest.fixture(scope="module")
def year(published: Tables) -> Tables:
    return _build(published, YEAR_END)


@pytest.mark.parametrize("view", VIEWS)
def test_each_table_has_the_columns_of_its_view(year: Tables, view: str) -> None:
    key, _, features = VIEWS[view]
    schema = year[view].schema

    assert set(schema) - {"created"} == {key, "event_timestamp", *features}
    assert schema["event_timestamp"] == pl.Datetime("us", "UTC")
    assert {name for name, kind in schema.items() if kind == pl.String} - {key} == TEXTS & set(features)
    assert all(schema[name] == pl.Float64 for name in features if name not in TEXTS)
    assert set(SELECTED[view]) <= set(features)


@pytest.mark.parametrize("view", VIEWS)
def test_a_key_has_one_row_at_a_moment_and_every_moment_is_a_whole_hour(year: Tables, view: str) -> None:
    key = VIEWS[view][0]
    table = year[view]

    assert table.select(key, "event_timestamp").is_unique().all()
    assert table.select((pl.col("event_timestamp").dt.truncate("1h") == pl.col("event_timestamp")).all()).item()
    assert table.select(pl.col("event_timestamp").is_sorted()).item()


def test_the_tables_have_the_size_that_the_data_sheet_gives(year: Tables) -> None:
    heights = {name: table.height for name, table in year.items()}

    assert heights["weather"] == 26_115
    assert heights["plane"] == 3_322
    assert 26_300 < heights["origin_ops"] <= 26_340
    assert 139_000 < heights["carrier_ops"] <= 140_480
    assert heights["tail_last"] == 327_336


def _flight(**changes: Any) -> dict[str, Any]:
    """A flight from Newark to Chicago, scheduled 07:30 to 09:00 local (12:30 to 15:00 UTC) on 5 March."""
    flight: dict[str, Any] = {
        "year": 2013,
        "month": 3,
        "day": 5,
        "dep_time": 730,
        "sched_dep_time": 730,
        "dep_delay": 0,
    }
    flight |= {"arr_time": 900, "sched_arr_time": 900, "arr_delay": 0, "carrier": "UA", "flight": 1}
    flight |= {"tailnum": "N1", "origin": "EWR", "dest": "ORD", "air_time": 120, "distance": 719, "hour": 7}
    return flight | {"minute": 30, "time_hour": datetime(2013, 3, 5, 12, tzinfo=UTC)} | changes


def _tables_of(published: Tables, flights: list[dict[str, Any]], until: datetime) -> Tables:
    frame = pl.DataFrame(flights, schema=published["flights"].schema)
    return _build(published | {"flights": frame}, until)


def _at(table: pl.DataFrame, hour: int, column: str) -> float | None:
    moment = datetime(2013, 3, 5, hour, tzinfo=UTC)
    values = table.filter(pl.col("event_timestamp") == moment).get_column(column).to_list()
    return values[0] if values else None


def test_a_departure_is_known_at_the_end_of_the_hour_in_which_it_happens(published: Tables) -> None:
    tables = _tables_of(published, [_flight(dep_delay=40)], datetime(2013, 3, 5, 20, tzinfo=UTC))

    delays = {hour: _at(tables["origin_ops"], hour, "origin_dep_delay_1h") for hour in (12, 13, 14, 15)}

    assert delays == {12: None, 13: None, 14: 40.0, 15: None}


def test_a_flight_waits_until_it_leaves_and_then_was_overdue(published: Tables) -> None:
    tables = _tables_of(published, [_flight(dep_delay=95)], datetime(2013, 3, 5, 20, tzinfo=UTC))
    origin = tables["origin_ops"]

    assert [_at(origin, hour, "origin_overdue_share_24h") for hour in (13, 14, 15)] == [None, 1.0, 1.0]
    assert [_at(origin, hour, "origin_waiting") for hour in (14, 15)] == [1.0, 0.0]


def test_a_flight_that_is_cancelled_is_seen_as_not_departed_and_no_more(published: Tables) -> None:
    cancelled = _flight(dep_delay=None, arr_delay=None, dep_time=None, arr_time=None, air_time=None, tailnum=None)
    late = _flight(dep_delay=300, arr_delay=300)
    until = datetime(2013, 3, 5, 16, tzinfo=UTC)

    one, other = (_tables_of(published, [flight], until)["origin_ops"] for flight in (cancelled, late))

    assert one.equals(other)


def test_an_arrival_feeds_carrier_destination_and_aircraft_when_it_lands(published: Tables) -> None:
    tables = _tables_of(published, [_flight(arr_delay=30)], datetime(2013, 3, 7, tzinfo=UTC))

    assert _at(tables["carrier_ops"], 15, "carrier_arr_delay_3h") is None
    assert _at(tables["carrier_ops"], 16, "carrier_arr_delay_3h") == 30.0
    assert _at(tables["carrier_ops"], 16, "carrier_late_share_24h") == 1.0
    assert tables["tail_last"].row(0) == ("N1", datetime(2013, 3, 5, 16, tzinfo=UTC), 30.0, 120.0, "ORD")
    days = tables["dest_ops"].select("event_timestamp", "dest_late_share_1d").rows()
    assert days == [(datetime(2013, 3, 6, 5, tzinfo=UTC), 1.0)]


def test_weather_is_known_when_its_hour_is_over(published: Tables, year: Tables) -> None:
    raw = published["weather"].row(0, named=True)

    first = year["weather"].filter(pl.col("origin") == raw["origin"]).row(0, named=True)

    assert first["event_timestamp"] == raw["time_hour"] + timedelta(hours=1)
    assert first["temp"] == raw["temp"]


@pytest.mark.parametrize(
    "until",
    [
        datetime(2013, 1, 3, 17, 45, tzinfo=UTC),
        datetime(2013, 3, 10, 7, 1, tzinfo=UTC),
        datetime(2013, 8, 1, 4, tzinfo=UTC),
        datetime(2013, 11, 3, 6, 30, tzinfo=UTC),
    ],
)
def test_what_was_known_at_a_moment_gives_the_rows_that_everything_gives(
    published: Tables, year: Tables, until: datetime
) -> None:
    then = _build(known_at(published, until), until)

    for view, table in then.items():
        assert table.equals(year[view].filter(pl.col("event_timestamp") <= until)), view
