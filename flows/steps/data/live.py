"""What really happened after go-live: every flight, and the feature tables stamped with when each row was known.

Training sees what `acquire` kept, and labels after go-live come from feedback alone.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import polars as pl

from flows.steps.data.feature_tables import build_tables
from flows.steps.data.flight_times import is_late, with_times
from flows.steps.data.source_tables import COLUMNS as TABLES
from flows.steps.data.sources import Source
from flows.steps.data.sources.package import open_package
from flows.steps.project.outputs import make_once, write_parquet
from flows.steps.project.params import read_params
from handrail.errors import Misconfigured
from handrail.files import sha256_of
from handrail.settings import Settings
from handrail.use_case import FILE, read_use_case

MADE_BY = ("feature_tables.py", "flight_times.py", "rolling.py", "live.py")
KEYS = {
    "flights": ("year", "month", "day", "carrier", "flight", "sched_dep_time", "origin"),
    "weather": ("origin", "time_hour"),
}
ASKED = ("flight_id", "carrier", "origin", "dest", "tailnum", "flight")


@dataclass(frozen=True)
class Live:
    """`rows` holds a row a subject after go-live, ordered by prediction time and subject.

    They have the columns that config/use_case.yaml names (subject, times, entities and label, which is null where it
    never became known) and what `request_of` and `features.entity_rows` need. `features` is a folder of feature tables
    up to the end; `identity` names the content of both.
    """

    rows: pl.DataFrame
    features: Path
    identity: str


def open_live(settings: Settings) -> Live:
    """Make the feature tables of the whole year under home/live/features, unless they are there already.

    Raises:
        Misconfigured: the description does not say when the recorded data ends.
    """
    source = open_package()
    tables = {name: source.read(name) for name in TABLES}
    place = settings.home / "live" / "features"
    until = _until(settings.project)
    identity = _identity(settings.project, source, until)
    make_once(place, {"identity": identity}, partial(_write_features, settings.project, tables, until))
    return Live(live_rows(settings, tables), place, identity)


def live_rows(settings: Settings, tables: dict[str, pl.DataFrame]) -> pl.DataFrame:
    """Return the flights whose prediction falls after go-live, ordered by prediction time and id."""
    timed = with_times(tables["flights"], tables["airports"])
    return (
        timed.filter(pl.col("event_timestamp") >= read_params(settings.project).go_live)
        .select(
            *ASKED,
            "sched_dep_ts",
            "sched_arr_ts",
            "distance",
            "event_timestamp",
            "arr_known_ts",
            day="local_day",
            late=is_late(),
        )
        .sort("event_timestamp", "flight_id")
    )


def request_of(row: dict[str, Any]) -> dict[str, Any]:
    """Return what is asked about a flight two hours before its departure: nothing that is known only later."""
    return {name: row[name] for name in ASKED} | {
        "sched_dep": row["sched_dep_ts"].isoformat(),
        "sched_arr": row["sched_arr_ts"].isoformat(),
        "distance": float(row["distance"]),
    }


def _until(project: Path) -> datetime:
    recorded = read_use_case(project).replay
    if recorded is None:
        raise Misconfigured(FILE.as_posix(), "it lacks the key 'replay'", "Say until when the recorded data reaches.")
    return recorded.until


def _write_features(project: Path, tables: dict[str, pl.DataFrame], until: datetime, folder: Path) -> None:
    for name, table in build_tables(**_live_feed(project, tables), until=until).items():
        write_parquet(table, folder / f"{name}.parquet")


def _live_feed(project: Path, tables: dict[str, pl.DataFrame]) -> dict[str, pl.DataFrame]:
    """Leave out what the stage `validate` set aside; what came later flows in unchecked, as a live feed does."""
    kept = dict(tables)
    for name, key in KEYS.items():
        file = _quarantine(project, name)
        if file.is_file():
            kept[name] = tables[name].join(pl.read_parquet(file, columns=list(key)), on=key, how="anti")
    return {name: kept[name] for name in ("flights", "weather", "planes", "airports")}


def _quarantine(project: Path, table: str) -> Path:
    return project / "data" / "quarantine" / f"{table}.parquet"


def _identity(project: Path, source: Source, until: datetime) -> str:
    """Digest what the feature tables are made from: the published files, what was set aside, and the code."""
    files = [Path(__file__).with_name(name) for name in MADE_BY]
    files += [file for file in (_quarantine(project, name) for name in KEYS) if file.is_file()]
    facts = {
        "published": source.identity(),
        "until": until.isoformat(),
        "files": {file.name: sha256_of(file) for file in files},
    }
    return f"sha256:{hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()}"
