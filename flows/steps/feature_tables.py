"""The six feature tables: pure functions from validated tables to rows stamped with the time they became KNOWN.

A stage and the replay use them alike. Every row is known at a whole hour: something that happens at 08:10 is known
at 09:00, so a batch of predictions made on the hour sees online exactly what the point-in-time join gave in training.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import polars as pl
import polars.selectors as cs

from flows.steps.flight_times import LATE_MINUTES, with_times
from flows.steps.rolling import Buckets, over_last, ratio, rolling_sums

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
FIRST_HOUR = datetime(2013, 1, 1, 5, tzinfo=UTC)
"""Local midnight in New York before the first flight."""

NUMBERS = cs.integer() | cs.float()
PUBLISHED_AFTER = timedelta(minutes=10)
READINGS = ("temp", "dewp", "humid", "wind_dir", "wind_speed", "wind_gust", "precip", "pressure", "visib")
TIME_TO_LIVE = {
    "weather": timedelta(hours=3),
    "origin_ops": timedelta(hours=6),
    "carrier_ops": timedelta(hours=6),
    "dest_ops": timedelta(days=3),
    "tail_last": timedelta(days=7),
    "plane": timedelta(days=400),
}
"""How long a row of each table stays valid after it became known."""


def build_tables(
    flights: pl.DataFrame, weather: pl.DataFrame, planes: pl.DataFrame, airports: pl.DataFrame, until: datetime
) -> dict[str, pl.DataFrame]:
    """Make every feature table from raw columns; no row is stamped, and no outcome used, later than `until`.

    Each table has its key column, `event_timestamp` (UTC, microseconds) and its features, sorted by time and key.
    """
    timed = with_times(flights, airports)
    tables = {
        "weather": weather_table(weather),
        "origin_ops": origin_table(timed, until),
        "carrier_ops": carrier_table(timed, until),
        "dest_ops": destination_table(timed, until),
        "tail_last": tail_table(timed),
        "plane": plane_table(planes),
    }
    return {
        name: table.filter(pl.col("event_timestamp") <= until)
        .with_columns(NUMBERS.cast(pl.Float64))
        .sort("event_timestamp", table.columns[0])
        for name, table in tables.items()
    }


def weather_table(weather: pl.DataFrame) -> pl.DataFrame:
    """Stamp each hour's readings with the END of that hour: the readings fall inside it, at an unknown minute."""
    return weather.select(
        "origin",
        event_timestamp=pl.col("time_hour") + HOUR,
        created=pl.col("time_hour") + HOUR + PUBLISHED_AFTER,
        *READINGS,
    )


def origin_table(timed: pl.DataFrame, until: datetime) -> pl.DataFrame:
    """Departures of each origin over the last 1, 3 and 24 hours: mean delay, share late, share cancelled, count."""
    flown = pl.col("dep_delay").is_not_null()
    events = timed.select(
        "origin",
        known=pl.col("dep_known_ts"),
        seen=pl.lit(1),
        flown=flown.cast(pl.Int64),
        delay=pl.col("dep_delay").fill_null(0),
        late=(pl.col("dep_delay") > LATE_MINUTES).fill_null(value=False).cast(pl.Int64),
    )
    names = ("seen", "flown", "delay", "late")
    sums = rolling_sums(events, "origin", names, Buckets(FIRST_HOUR, until, HOUR))
    columns: dict[str, pl.Expr] = {}
    for hours in (1, 3, 24):
        seen, flights, delay, late = (over_last(name, hours, "origin") for name in names)
        columns[f"origin_dep_delay_{hours}h"] = ratio(delay, flights)
        columns[f"origin_late_share_{hours}h"] = ratio(late, flights)
        columns[f"origin_cancelled_share_{hours}h"] = ratio(seen - flights, seen)
        columns[f"origin_departures_{hours}h"] = seen
    return sums.select("origin", "event_timestamp", **columns)


def carrier_table(timed: pl.DataFrame, until: datetime) -> pl.DataFrame:
    """Arrivals of each carrier over the last 3, 24 and 168 hours: mean delay, share late, count."""
    return _arrivals(timed, "carrier", Buckets(FIRST_HOUR, until, HOUR), {"3h": 3, "24h": 24, "168h": 168})


def destination_table(timed: pl.DataFrame, until: datetime) -> pl.DataFrame:
    """Arrivals at each destination over the last 1, 7 and 28 days, known at 05:00 UTC: mean delay, share late, count."""
    return _arrivals(timed, "dest", Buckets(FIRST_HOUR, until, DAY), {"1d": 1, "7d": 7, "28d": 28})


def tail_table(timed: pl.DataFrame) -> pl.DataFrame:
    """The last known arrival of each aircraft: its delay, air time and place."""
    landed = timed.drop_nulls(["arr_known_ts", "tailnum"])
    return (
        landed.select(
            "tailnum",
            "arr_known_ts",
            "flight_id",
            event_timestamp=pl.col("arr_known_ts").dt.offset_by("59m59s999999us").dt.truncate("1h"),
            tail_arr_delay=pl.col("arr_delay"),
            tail_air_time=pl.col("air_time"),
            tail_dest=pl.col("dest"),
        )
        .sort("arr_known_ts", "flight_id")
        .unique(["tailnum", "event_timestamp"], keep="last", maintain_order=True)
        .drop("arr_known_ts", "flight_id")
    )


def plane_table(planes: pl.DataFrame) -> pl.DataFrame:
    """What the register of aircraft says, known from the start."""
    return planes.select(
        "tailnum",
        event_timestamp=pl.lit(FIRST_HOUR),
        built_year=pl.col("year"),
        engines=pl.col("engines"),
        seats=pl.col("seats"),
        manufacturer=pl.col("manufacturer"),
        plane_type=pl.col("type"),
    )


def _arrivals(timed: pl.DataFrame, key: str, buckets: Buckets, spans: dict[str, int]) -> pl.DataFrame:
    events = timed.drop_nulls("arr_known_ts").select(
        key,
        known=pl.col("arr_known_ts"),
        seen=pl.lit(1),
        delay=pl.col("arr_delay"),
        late=(pl.col("arr_delay") > LATE_MINUTES).cast(pl.Int64),
    )
    names = ("seen", "delay", "late")
    sums = rolling_sums(events, key, names, buckets)
    columns: dict[str, pl.Expr] = {}
    for label, count in spans.items():
        seen, delay, late = (over_last(name, count, key) for name in names)
        columns[f"{key}_arr_delay_{label}"] = ratio(delay, seen)
        columns[f"{key}_late_share_{label}"] = ratio(late, seen)
        columns[f"{key}_arrivals_{label}"] = seen
    return sums.select(key, "event_timestamp", **columns)
