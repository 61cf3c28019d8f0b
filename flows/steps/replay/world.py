"""What really happened in the replayed year: every flight, and the feature tables stamped with when each row was known.

Only the replay reads this; training sees what `acquire` kept, and labels after go-live come from feedback alone.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import polars as pl

from flows.steps.data.feature_tables import build_tables
from flows.steps.data.flight_times import is_late, with_times
from flows.steps.data.source_tables import COLUMNS as TABLES
from flows.steps.data.sources import Source
from flows.steps.data.sources.package import open_package
from flows.steps.project.outputs import make_once, write_parquet
from flows.steps.project.params import read_params
from flows.steps.replay.truth import Landing
from handrail.files import sha256_of
from handrail.settings import Settings

END = datetime(2014, 1, 3, tzinfo=UTC)
"""By then the last flight of the year has landed."""

OUTCOMES_END = END + timedelta(days=4)
"""By then the last late report has come in."""

MADE_BY = ("data/feature_tables.py", "data/flight_times.py", "data/rolling.py", "replay/world.py")
KEYS = {
    "flights": ("year", "month", "day", "carrier", "flight", "sched_dep_time", "origin"),
    "weather": ("origin", "time_hour"),
}

COLUMNS = (
    "flight_id",
    "local_day",
    "carrier",
    "origin",
    "dest",
    "tailnum",
    "flight",
    "sched_dep_ts",
    "sched_arr_ts",
    "distance",
    "event_timestamp",
    "arr_known_ts",
)


@dataclass(frozen=True)
class World:
    """`flights` holds `COLUMNS` and `late` of each flight after go-live, ordered by prediction time.

    `features` is a folder of full-year feature tables; `identity` names its content.
    """

    flights: pl.DataFrame
    features: Path
    identity: str


def open_world(settings: Settings) -> World:
    """Make the feature tables of the whole year under home/replay/features, unless they are there already."""
    source = open_package()
    tables = {name: source.read(name) for name in TABLES}
    place = settings.home / "replay" / "features"
    identity = _identity(settings.project, source)
    make_once(place, {"identity": identity}, partial(_write_features, settings.project, tables))
    return World(live_flights(settings, tables), place, identity)


def live_flights(settings: Settings, tables: dict[str, pl.DataFrame]) -> pl.DataFrame:
    """Return the flights whose prediction falls after go-live, ordered by prediction time and id."""
    go_live = read_params(settings.project).go_live
    timed = with_times(tables["flights"], tables["airports"])
    return (
        timed.filter(pl.col("event_timestamp") >= go_live)
        .select(*COLUMNS, late=is_late())
        .sort("event_timestamp", "flight_id")
    )


def landings(flights: pl.DataFrame, predicted_at: str) -> list[Landing]:
    """Return what happened to each of those flights; `predicted_at` names the column of their prediction times."""
    names = ("flight_id", predicted_at, "arr_known_ts", "late")
    rows = zip(*(flights[name] for name in names), strict=True)
    return [Landing(name, asked, landed, None if late is None else bool(late)) for name, asked, landed, late in rows]


def _write_features(project: Path, tables: dict[str, pl.DataFrame], folder: Path) -> None:
    for name, table in build_tables(**_live_feed(project, tables), until=END).items():
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


def _identity(project: Path, source: Source) -> str:
    """Digest what the feature tables are made from: the published files, what was set aside, and the code."""
    files = [Path(__file__).parents[1] / name for name in MADE_BY]
    files += [file for file in (_quarantine(project, name) for name in KEYS) if file.is_file()]
    facts = {
        "published": source.identity(),
        "until": END.isoformat(),
        "files": {file.name: sha256_of(file) for file in files},
    }
    return f"sha256:{hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()}"
