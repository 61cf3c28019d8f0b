"""The six feature tables: pure functions from validated tables to rows stamped with the time they became KNOWN.

A stage and the replay use them alike. Every row is known at a whole hour: something that happens at 08:10 is known
at 09:00, so a batch of predictions made on the hour sees online exactly what the point-in-time join gave in training.
A table made from what was known at a moment equals, up to that moment, the table made from everything.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import polars as pl
import polars.selectors as cs

from flows.steps.data.flight_times import LATE_MINUTES, with_times
from flows.steps.data.rolling import Buckets, over_last, ratio, rolling_sums, waiting

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
FIRST_HOUR = datetime(2013, 1, 1, 5, tzinfo=UTC)
"""Local midnight in New York before the first flight; days end at 05:00 UTC."""

PUBLISHED_AFTER = timedelta(minutes=10)
OVERDUE = timedelta(hours=1)
WAITING_HOURS = 3
READINGS = ("temp", "dewp", "humid", "wind_dir", "wind_speed", "wind_gust", "precip", "pressure", "visib")
NUMBERS = cs.integer() | cs.float()


def build_tables(
    flights: pl.DataFrame, weather: pl.DataFrame, planes: pl.DataFrame, airports: pl.DataFrame, until: datetime
) -> dict[str, pl.DataFrame]:
    """Make every feature table from raw columns; no row is stamped, and no outcome used, later than `until`.

    Each table has its key column, `event_timestamp` (UTC, microseconds) and its features (Float64 or String), sorted
    by time and key. The grids start on 1 January 2013.
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
    """Stamp each hour's readings with the END of that hour: they were taken inside it, at an unknown minute."""
    ended = pl.col("time_hour") + HOUR
    return weather.select("origin", *READINGS, event_timestamp=ended, created=ended + PUBLISHED_AFTER)


def origin_table(timed: pl.DataFrame, until: datetime) -> pl.DataFrame:
    """Departures of each origin, by the hour: delays of those that left, the share overdue, and who is waiting now.

    Overdue is a flight that has not left an hour after its schedule; whether it was cancelled is not asked, since
    the data does not say when that became known.
    """
    hours = Buckets(FIRST_HOUR, until, HOUR)
    left = timed.drop_nulls("dep_delay").select(
        "origin", known=pl.col("dep_known_ts"), **_delays("dep_delay"), due=pl.lit(0), overdue=pl.lit(0)
    )
    zero = {name: pl.lit(0).cast(pl.Int64) for name in ("seen", "delay", "late")}
    is_overdue = pl.col("dep_delay").is_null() | (pl.col("dep_known_ts") > pl.col("sched_dep_ts") + OVERDUE)
    due = timed.select(
        "origin", known=pl.col("sched_dep_ts") + OVERDUE, **zero, due=pl.lit(1), overdue=is_overdue.cast(pl.Int32)
    )
    sums = rolling_sums(pl.concat([left, due]), "origin", ("seen", "delay", "late", "due", "overdue"), hours)
    columns = _means("origin", "dep_delay", {"1h": 1, "3h": 3, "24h": 24})
    columns["origin_overdue_share_24h"] = ratio(over_last("overdue", 24, "origin"), over_last("due", 24, "origin"))
    return _with_waiting(sums.select("origin", "event_timestamp", **columns), timed, "origin", hours)


def carrier_table(timed: pl.DataFrame, until: datetime) -> pl.DataFrame:
    """Arrivals of each carrier by the hour, over the last 3, 24 and 168 hours, and its flights waiting now."""
    hours = Buckets(FIRST_HOUR, until, HOUR)
    arrivals = _arrivals(timed, "carrier", hours, {"3h": 3, "24h": 24, "168h": 168})
    return _with_waiting(arrivals, timed, "carrier", hours)


def destination_table(timed: pl.DataFrame, until: datetime) -> pl.DataFrame:
    """Arrivals at each destination over the last 1, 7 and 28 days, known at 05:00 UTC."""
    return _arrivals(timed, "dest", Buckets(FIRST_HOUR, until, DAY), {"1d": 1, "7d": 7, "28d": 28})


def tail_table(timed: pl.DataFrame) -> pl.DataFrame:
    """The last known arrival of each aircraft, by the hour: its delay, air time and place."""
    landed = timed.drop_nulls(["arr_known_ts", "tailnum"])
    return (
        landed.sort("arr_known_ts", "flight_id")
        .select(
            "tailnum",
            event_timestamp=Buckets(FIRST_HOUR, FIRST_HOUR, HOUR).end_of(pl.col("arr_known_ts")),
            tail_arr_delay=pl.col("arr_delay"),
            tail_air_time=pl.col("air_time"),
            tail_dest=pl.col("dest"),
        )
        .unique(["tailnum", "event_timestamp"], keep="last", maintain_order=True)
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


def _arrivals(timed: pl.DataFrame, key: str, buckets: Buckets, spans: Mapping[str, int]) -> pl.DataFrame:
    landed = timed.drop_nulls("arr_known_ts")
    events = landed.select(key, known=pl.col("arr_known_ts"), **_delays("arr_delay"))
    sums = rolling_sums(events, key, ("seen", "delay", "late"), buckets)
    return sums.select(key, "event_timestamp", **_means(key, "arr_delay", spans))


def _delays(column: str) -> dict[str, pl.Expr]:
    late = (pl.col(column) > LATE_MINUTES).cast(pl.Int64)
    return {"seen": pl.lit(1).cast(pl.Int64), "delay": pl.col(column), "late": late}


def _means(key: str, delay: str, spans: Mapping[str, int]) -> dict[str, pl.Expr]:
    """Mean delay in minutes and share late over the last buckets, one pair a span."""
    columns: dict[str, pl.Expr] = {}
    for label, count in spans.items():
        seen, minutes, late = (over_last(name, count, key) for name in ("seen", "delay", "late"))
        columns[f"{key}_{delay}_{label}"] = ratio(minutes, seen)
        columns[f"{key}_late_share_{label}"] = ratio(late, seen)
    return columns


def _with_waiting(table: pl.DataFrame, timed: pl.DataFrame, key: str, hours: Buckets) -> pl.DataFrame:
    departed = pl.when(pl.col("dep_delay").is_not_null()).then(pl.col("dep_known_ts"))
    now = waiting(timed.select(key, "sched_dep_ts", departed=departed), key, hours, WAITING_HOURS)
    joined = table.join(now, on=[key, "event_timestamp"], how="left")
    share = ratio(pl.col("waiting"), pl.col("scheduled")).alias(f"{key}_waiting_share")
    return joined.with_columns(pl.col("waiting").fill_null(0).alias(f"{key}_waiting"), share).drop(
        "scheduled", "waiting"
    )
