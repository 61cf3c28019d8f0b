"""What really happened in the replayed year: every flight, and the feature tables stamped with when each row was known.

Only the replay reads this; training sees what `acquire` kept, and labels after go-live come from feedback alone.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl

from flows.steps.feature_tables import build_tables
from flows.steps.flight_times import is_late, with_times
from flows.steps.outputs import fresh_folder, write_json, write_parquet
from flows.steps.params import read_params
from flows.steps.replay_truth import Landing
from flows.steps.source_tables import PUBLISHED, published_folder, read_published
from handrail.settings import Settings

END = datetime(2014, 1, 3, tzinfo=UTC)
"""By then the last flight of the year has landed."""

OUTCOMES_END = END + timedelta(days=4)
"""By then the last late report has come in."""

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
    folder = published_folder()
    tables = {name: read_published(name, folder) for name in ("flights", "weather", "planes", "airports")}
    place = settings.home / "replay" / "features"
    identity = _identity()
    if not _is_current(place, identity):
        clean = _checked(tables)
        with fresh_folder(place) as fresh:
            for name, table in build_tables(**clean, until=END).items():
                write_parquet(table, fresh / f"{name}.parquet")
            write_json(fresh / "made.json", {"identity": identity})
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


def _checked(tables: dict[str, pl.DataFrame]) -> dict[str, pl.DataFrame]:
    """Leave out the rows that the stage `validate` sets aside, so that online features equal those of training."""
    weather = tables["weather"].filter(pl.col("wind_speed").fill_null(0) <= 100)
    return tables | {"weather": weather}


def _identity() -> str:
    facts = {"published": {name: each.sha256 for name, each in PUBLISHED.items()}, "until": END.isoformat()}
    facts["code"] = {
        name: hashlib.sha256((Path(__file__).parent / f"{name}.py").read_bytes()).hexdigest()
        for name in ("feature_tables", "flight_times", "rolling", "replay_world")
    }
    return f"sha256:{hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()}"


def _is_current(place: Path, identity: str) -> bool:
    made = place / "made.json"
    return made.is_file() and json.loads(made.read_text(encoding="utf-8"))["identity"] == identity
