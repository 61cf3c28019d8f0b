"""When things about a flight happen and become known, in UTC. All arithmetic on the raw clock columns is here."""

from __future__ import annotations

from datetime import timedelta

import polars as pl

HOME_ZONE = "America/New_York"
LEAD = timedelta(hours=2)
"""A prediction is made this long before the scheduled departure."""

LATE_MINUTES = 15
"""A flight that lands more than this many minutes after its schedule is late."""

NEVER_LANDED_KNOWN_AFTER = timedelta(hours=36)
"""An outcome without an arrival delay (diverted) counts as known this long after the scheduled arrival."""

ZONES_NOT_IN_AIRPORTS = dict.fromkeys(("SJU", "BQN", "STT", "PSE"), "America/Puerto_Rico")
"""Destinations that the table of airports lacks."""

TIME_COLUMNS = (
    "local_day",
    "sched_dep_ts",
    "sched_arr_ts",
    "event_timestamp",
    "dep_known_ts",
    "arr_known_ts",
    "flight_id",
)


def with_times(flights: pl.DataFrame, airports: pl.DataFrame) -> pl.DataFrame:
    """Add `TIME_COLUMNS` to raw flights, in the same order of rows.

    `event_timestamp` is the prediction time. `dep_known_ts` is the actual departure, or the scheduled one of a
    flight that never departed (an assumption). `arr_known_ts` is null for a flight that never landed as planned.
    `sched_arr_ts` is null for a destination whose time zone is unknown.
    """
    scheduled = pl.col("time_hour") + pl.duration(minutes=pl.col("minute"))
    timed = flights.with_columns(
        local_day=pl.date("year", "month", "day"),
        sched_dep_ts=scheduled,
        event_timestamp=scheduled - LEAD,
        dep_known_ts=scheduled + pl.duration(minutes=pl.col("dep_delay").fill_null(0)),
    ).with_columns(sched_arr_ts=_arrival_in_utc(_zone_of_destination(airports), flights.get_column("dest")))
    return timed.with_columns(
        arr_known_ts=pl.col("sched_arr_ts") + pl.duration(minutes=pl.col("arr_delay")),
        flight_id=pl.concat_str(
            pl.col("local_day").dt.strftime("%Y-%m-%d"),
            pl.col("carrier"),
            pl.col("flight").cast(pl.String),
            pl.col("sched_dep_time").cast(pl.String).str.zfill(4),
            pl.col("origin"),
            separator=":",
        ),
    )


def outcome_known_ts() -> pl.Expr:
    """Return when the last outcome column of a flight is known, also of one that never landed as planned."""
    return pl.coalesce(pl.col("arr_known_ts"), pl.col("sched_arr_ts") + NEVER_LANDED_KNOWN_AFTER)


def local_clock(column: str) -> pl.Expr:
    """Return the local day at the time of a raw clock column, such as 1545; the moment has no zone."""
    clock = pl.col(column)
    return pl.col("local_day").cast(pl.Datetime("us")) + pl.duration(minutes=clock // 100 * 60 + clock % 100)


def is_late() -> pl.Expr:
    """Return the label as Int8: 1 if the flight landed late, null if it has no arrival delay."""
    return (pl.col("arr_delay") > LATE_MINUTES).cast(pl.Int8)


def _zone_of_destination(airports: pl.DataFrame) -> dict[str, str]:
    known = airports.drop_nulls(["faa", "tzone"])
    return dict(zip(known.get_column("faa"), known.get_column("tzone"), strict=True)) | ZONES_NOT_IN_AIRPORTS


def _arrival_in_utc(zones: dict[str, str], destinations: pl.Series) -> pl.Expr:
    """Read `sched_arr_time` on the destination's clock; it is the first such moment after the departure."""
    local = local_clock("sched_arr_time")
    by_zone: dict[str, list[str]] = {}
    for airport in sorted(set(destinations.drop_nulls().to_list()) & zones.keys()):
        by_zone.setdefault(zones[airport], []).append(airport)
    moment = pl.lit(None, dtype=pl.Datetime("us", "UTC"))
    for zone, there in by_zone.items():
        moment = pl.when(pl.col("dest").is_in(there)).then(_to_utc(local, zone)).otherwise(moment)
    return pl.when(moment > pl.col("sched_dep_ts")).then(moment).otherwise(moment + timedelta(days=1))


def _to_utc(local: pl.Expr, zone: str) -> pl.Expr:
    """Translate local clock time; an hour that the clock skips in spring counts as the hour after it."""
    there = local.dt.replace_time_zone(zone, ambiguous="earliest", non_existent="null")
    moved = (local + timedelta(hours=1)).dt.replace_time_zone(zone, ambiguous="earliest", non_existent="null")
    return pl.coalesce(there, moved).dt.convert_time_zone("UTC")
