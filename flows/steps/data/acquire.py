"""Stage acquire: copy what the publisher knew at `as_of` into data/raw, a file a month."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import polars as pl

from flows.steps.data.flight_times import TIME_COLUMNS, outcome_known_ts, with_times
from flows.steps.data.raw_files import write_raw
from flows.steps.data.source_tables import COLUMNS
from flows.steps.data.sources.choice import open_source
from flows.steps.project.outputs import fresh_folder
from flows.steps.project.params import read_params
from handrail.errors import InvalidInput

KNOWN_AT_DEPARTURE = ("dep_time", "dep_delay")
KNOWN_AT_ARRIVAL = ("arr_time", "arr_delay", "air_time")


def run(project: Path) -> None:
    """Write `project`/data/raw from the source that config/tables.yaml names."""
    as_of = read_params(project).as_of
    source = open_source(project)
    tables = {table: source.read(table) for table in COLUMNS}
    with fresh_folder(project / "data" / "raw") as raw:
        write_raw(known_at(tables, as_of), raw)


def known_at(tables: dict[str, pl.DataFrame], as_of: datetime) -> dict[str, pl.DataFrame]:
    """Keep flights whose prediction time has come and weather whose hour is over; blank outcomes not yet known.

    Raises:
        InvalidInput: nothing at all was known at `as_of`.
    """
    flights = mask_outcomes(with_times(tables["flights"], tables["airports"]), as_of)
    weather = tables["weather"].filter(pl.col("time_hour") + timedelta(hours=1) <= as_of)
    if flights.is_empty() or weather.is_empty():
        raise InvalidInput("as_of", f"no flight or no weather was known at {as_of.isoformat()}", "Choose a later one.")
    return tables | {"flights": flights.drop(TIME_COLUMNS), "weather": weather}


def mask_outcomes(timed: pl.DataFrame, as_of: datetime) -> pl.DataFrame:
    """Drop flights predicted after `as_of` and null the outcome columns that become known later."""
    departed, landed = pl.col("dep_known_ts") <= as_of, outcome_known_ts() <= as_of
    return timed.filter(pl.col("event_timestamp") <= as_of).with_columns(
        *(pl.when(departed).then(pl.col(name)) for name in KNOWN_AT_DEPARTURE),
        *(pl.when(landed).then(pl.col(name)) for name in KNOWN_AT_ARRIVAL),
    )
