"""Which tables the project knows, and how their columns are read. Where they come from is in `sources`."""

from __future__ import annotations

import io
from collections.abc import Mapping

import polars as pl

from handrail.errors import InvalidInput

MOMENT = pl.Datetime("us", "UTC")

FLIGHTS: Mapping[str, type[pl.DataType]] = dict.fromkeys(
    ("year", "month", "day", "dep_time", "sched_dep_time", "dep_delay", "arr_time", "sched_arr_time", "arr_delay"),
    pl.Int64,
) | {
    "carrier": pl.String,
    "flight": pl.Int64,
    "tailnum": pl.String,
    "origin": pl.String,
    "dest": pl.String,
    "air_time": pl.Int64,
    "distance": pl.Int64,
    "hour": pl.Int64,
    "minute": pl.Int64,
    "time_hour": pl.String,
}
WEATHER: Mapping[str, type[pl.DataType]] = (
    {"origin": pl.String}
    | dict.fromkeys(("year", "month", "day", "hour"), pl.Int64)
    | dict.fromkeys(
        ("temp", "dewp", "humid", "wind_dir", "wind_speed", "wind_gust", "precip", "pressure", "visib"), pl.Float64
    )
    | {"time_hour": pl.String}
)
PLANES: Mapping[str, type[pl.DataType]] = {
    "tailnum": pl.String,
    "year": pl.Int64,
    "type": pl.String,
    "manufacturer": pl.String,
    "model": pl.String,
    "engines": pl.Int64,
    "seats": pl.Int64,
    "speed": pl.Float64,
    "engine": pl.String,
}
AIRPORTS: Mapping[str, type[pl.DataType]] = {
    "faa": pl.String,
    "name": pl.String,
    "lat": pl.Float64,
    "lon": pl.Float64,
    "alt": pl.Float64,
    "tz": pl.Float64,
    "dst": pl.String,
    "tzone": pl.String,
}
AIRLINES: Mapping[str, type[pl.DataType]] = {"carrier": pl.String, "name": pl.String}

COLUMNS: Mapping[str, Mapping[str, type[pl.DataType]]] = {
    "flights": FLIGHTS,
    "weather": WEATHER,
    "planes": PLANES,
    "airports": AIRPORTS,
    "airlines": AIRLINES,
}


def parse_csv(content: bytes, table: str, name: str) -> pl.DataFrame:
    """Read the bytes of one CSV file of `table`; `NA` is null, `time_hour` a moment in UTC.

    Raises:
        InvalidInput: the columns are not those of the table, in their order, or a value has another type.
    """
    columns = COLUMNS[table]
    header = content.split(b"\n", 1)[0].decode("utf-8", errors="replace").strip().split(",")
    if header != list(columns):
        raise InvalidInput(name, f"its columns are {', '.join(header)}", f"Expected {', '.join(columns)}.")
    try:
        frame = pl.read_csv(io.BytesIO(content), schema_overrides=dict(columns), null_values=["NA", ""])
        if "time_hour" in columns:
            frame = frame.with_columns(pl.col("time_hour").str.to_datetime("%Y-%m-%dT%H:%M:%SZ").cast(MOMENT))
    except pl.exceptions.PolarsError as err:
        problem = str(err).splitlines()[0].rstrip(".")
        raise InvalidInput(name, f"it cannot be read: {problem}", "Correct the file at its source.") from err
    return frame
