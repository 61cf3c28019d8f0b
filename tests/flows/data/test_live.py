from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest

from flows.steps.data.live import Live, open_live, request_of
from flows.steps.replay.plan import outcomes_of
from handrail.errors import Misconfigured
from handrail.settings import Settings
from handrail.use_case import read_use_case

ROOT = Path(__file__).parents[3]
CASE = read_use_case(ROOT)


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Live:
    return open_live(Settings(project=ROOT, home=tmp_path_factory.mktemp("home")))


def test_every_flight_after_go_live_is_there_once_and_in_order(live: Live) -> None:
    flights = live.rows

    assert flights.height == 141_193
    assert flights["flight_id"].n_unique() == flights.height
    assert flights["event_timestamp"].is_sorted()
    assert flights["event_timestamp"][0] >= datetime(2013, 8, 1, 4, tzinfo=UTC)


def test_cancelled_and_diverted_flights_never_land(live: Live) -> None:
    outcomes = outcomes_of(live.rows, CASE, "event_timestamp")
    never = [outcome for outcome in outcomes if outcome.value is None]

    assert len(never) == live.rows["late"].null_count() == 2818
    assert all(outcome.known_at is None for outcome in never)


def test_no_feature_row_is_stamped_after_the_year(live: Live) -> None:
    for file in live.features.glob("*.parquet"):
        assert pl.scan_parquet(file).select(pl.col("event_timestamp").max()).collect().item() <= CASE.replay.until


def test_the_tables_are_made_once(live: Live) -> None:
    settings = Settings(project=ROOT, home=live.features.parents[1])
    before = {file.name: file.stat().st_mtime_ns for file in live.features.iterdir()}

    again = open_live(settings)

    assert again.identity == live.identity
    assert {file.name: file.stat().st_mtime_ns for file in again.features.iterdir()} == before


def test_what_validation_set_aside_makes_no_feature(live: Live, tmp_path: Path) -> None:
    project = tmp_path / "project"
    quarantine = project / "data" / "quarantine"
    quarantine.mkdir(parents=True)
    copy_description(project)
    gone = {"origin": ["EWR"], "time_hour": [datetime(2013, 2, 12, 8, tzinfo=UTC)]}
    pl.DataFrame(gone, schema_overrides={"time_hour": pl.Datetime("us", "UTC")}).write_parquet(
        quarantine / "weather.parquet"
    )

    other = open_live(Settings(project=project, home=tmp_path / "home"))

    rows, without = (pl.read_parquet(each.features / "weather.parquet") for each in (live, other))
    assert rows.filter(pl.col("wind_speed") > 1000).height == 1
    assert without.height == rows.height - 1
    assert other.identity != live.identity


def copy_description(project: Path) -> None:
    (project / "config").mkdir(parents=True)
    for name in ("params.yaml", "config/use_case.yaml"):
        (project / name).write_text((ROOT / name).read_text(encoding="utf-8"), encoding="utf-8")


def test_the_rows_hold_what_the_description_names_and_a_request_what_it_lists(live: Live) -> None:
    row = live.rows.row(0, named=True)

    assert {CASE.subject.column, CASE.label.column, *CASE.entities} <= row.keys()
    assert {CASE.time.event, CASE.time.known, CASE.time.day} <= row.keys()
    assert request_of(row).keys() == CASE.request.keys()


def test_without_an_end_of_the_recorded_data_the_key_is_named(tmp_path: Path) -> None:
    project = tmp_path / "project"
    copy_description(project)
    file = project / "config" / "use_case.yaml"
    kept = [line for line in file.read_text(encoding="utf-8").splitlines() if not line.startswith("replay:")]
    file.write_text("\n".join(kept), encoding="utf-8")

    with pytest.raises(Misconfigured, match="'replay'"):
        open_live(Settings(project=project, home=tmp_path / "home"))
