"""The tables that are checked: the raw ones, some with columns added, and two that make absence visible."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import polars as pl

from flows.steps.data.flight_times import HOME_ZONE, local_clock, with_times

ORIGINS = ("EWR", "JFK", "LGA")
HOUR = timedelta(hours=1)

NAMED_BY: Mapping[str, Sequence[str]] = {
    "flights": ("flight_id",),
    "weather": ("origin", "time_hour"),
    "weather_hours": ("origin", "time_hour"),
    "weather_days": ("day",),
    "planes": ("tailnum",),
    "airports": ("faa",),
    "airlines": ("carrier",),
}
"""Every table that is checked, and the columns that name one of its rows."""

QUARANTINED = ("flights", "weather")
"""The tables whose rows at fault may be set aside."""


def tables_to_check(raw: Mapping[str, pl.DataFrame], as_of: datetime) -> dict[str, pl.DataFrame]:
    """Return every table that config/validation.yaml names; rows keep their order, so positions stay valid."""
    return {
        **raw,
        "flights": _flights(raw["flights"], raw["airports"]),
        "weather_hours": weather_hours(raw["weather"], as_of),
        "weather_days": weather_days(raw["flights"], raw["weather"]),
    }


def weather_hours(weather: pl.DataFrame, as_of: datetime) -> pl.DataFrame:
    """One row for each airport and whole hour from the first observation until `as_of`, with `observed` 1 or 0."""
    first = weather.get_column("time_hour").min()
    if not isinstance(first, datetime):
        return pl.DataFrame(schema={"origin": pl.String, "time_hour": pl.Datetime("us", "UTC"), "observed": pl.Int64})
    hours = pl.datetime_range(first, as_of - HOUR, HOUR, time_unit="us", time_zone="UTC", eager=True)
    seen = weather.select("origin", "time_hour").unique().with_columns(observed=pl.lit(1))
    return (
        pl.DataFrame({"origin": ORIGINS})
        .join(hours.alias("time_hour").to_frame(), how="cross")
        .join(seen, on=["origin", "time_hour"], how="left", maintain_order="left")
        .with_columns(pl.col("observed").fill_null(0).cast(pl.Int64))
    )


def weather_days(flights: pl.DataFrame, weather: pl.DataFrame) -> pl.DataFrame:
    """One row for each local day with flights, with the number of weather rows of that day in `hours`."""
    days = flights.select(day=pl.date("year", "month", "day")).drop_nulls().unique().sort("day")
    seen = weather.group_by(day=pl.date("year", "month", "day")).agg(hours=pl.len())
    return days.join(seen, on="day", how="left", maintain_order="left").with_columns(
        pl.col("hours").fill_null(0).cast(pl.Int64)
    )


def _flights(flights: pl.DataFrame, airports: pl.DataFrame) -> pl.DataFrame:
    timed = with_times(flights, airports)
    moment = local_clock("sched_dep_time").dt.replace_time_zone(HOME_ZONE, ambiguous="earliest", non_existent="null")
    return timed.select(
        *flights.columns,
        "flight_id",
        scheduled_minutes=(pl.col("sched_arr_ts") - pl.col("sched_dep_ts")).dt.total_minutes(),
        clock_off_minutes=(moment.dt.convert_time_zone("UTC") - pl.col("sched_dep_ts")).dt.total_minutes(),
    )
