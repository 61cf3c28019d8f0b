from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest

from flows.steps.replay.world import END, World, landings, open_world
from handrail.settings import Settings

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return open_world(Settings(project=ROOT, home=tmp_path_factory.mktemp("home")))


def test_every_flight_after_go_live_is_there_once_and_in_order(world: World) -> None:
    flights = world.flights

    assert flights.height == 141_193
    assert flights["flight_id"].n_unique() == flights.height
    assert flights["event_timestamp"].is_sorted()
    assert flights["event_timestamp"][0] >= datetime(2013, 8, 1, 4, tzinfo=UTC)


def test_cancelled_and_diverted_flights_never_land(world: World) -> None:
    never = [landing for landing in landings(world.flights, "event_timestamp") if landing.late is None]

    assert len(never) == world.flights["late"].null_count() == 2818
    assert all(landing.landed_at is None for landing in never)


def test_no_feature_row_is_stamped_after_the_year(world: World) -> None:
    for file in world.features.glob("*.parquet"):
        assert pl.scan_parquet(file).select(pl.col("event_timestamp").max()).collect().item() <= END


def test_the_tables_are_made_once(world: World) -> None:
    settings = Settings(project=ROOT, home=world.features.parents[1])
    before = {file.name: file.stat().st_mtime_ns for file in world.features.iterdir()}

    again = open_world(settings)

    assert again.identity == world.identity
    assert {file.name: file.stat().st_mtime_ns for file in again.features.iterdir()} == before


def test_what_validation_set_aside_makes_no_feature(world: World, tmp_path: Path) -> None:
    project = tmp_path / "project"
    quarantine = project / "data" / "quarantine"
    quarantine.mkdir(parents=True)
    (project / "params.yaml").write_text((ROOT / "params.yaml").read_text(encoding="utf-8"), encoding="utf-8")
    gone = {"origin": ["EWR"], "time_hour": [datetime(2013, 2, 12, 8, tzinfo=UTC)]}
    pl.DataFrame(gone, schema_overrides={"time_hour": pl.Datetime("us", "UTC")}).write_parquet(
        quarantine / "weather.parquet"
    )

    other = open_world(Settings(project=project, home=tmp_path / "home"))

    rows, without = (pl.read_parquet(each.features / "weather.parquet") for each in (world, other))
    assert rows.filter(pl.col("wind_speed") > 1000).height == 1
    assert without.height == rows.height - 1
    assert other.identity != world.identity
