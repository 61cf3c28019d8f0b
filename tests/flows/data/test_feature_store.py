"""The feature store of the project: what Feast does silently wrong is refused or closed."""

from __future__ import annotations

import json
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import polars as pl
import pytest

from feature_repo import store as feature_store
from feature_repo.offline import OFFLINE_STORE
from feature_repo.online import online, write_known
from flows.steps.data.features import entity_rows
from flows.steps.data.flight_times import with_times
from handrail.errors import InvalidInput, Refused, Unavailable
from handrail.settings import Settings

if TYPE_CHECKING:
    import pandas as pd

    from feature_repo.project_store import ProjectStore

ROOT = Path(__file__).parents[3]
NOW = datetime(2013, 1, 10, 14, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(project=tmp_path, home=tmp_path / "home")


@pytest.fixture
def store(settings: Settings, fortnight: Path) -> ProjectStore:
    opened = feature_store.open_feature_store(settings, fortnight / "data" / "features")
    feature_store.apply(opened)
    return opened


@pytest.fixture(scope="module")
def flights(fortnight: Path) -> pl.DataFrame:
    """The flights predicted in the hour from `NOW`, and some hundreds before them."""
    validated = fortnight / "data" / "validated"
    timed = with_times(pl.read_parquet(validated / "flights.parquet"), pl.read_parquet(validated / "airports.parquet"))
    return timed.filter(pl.col("event_timestamp").is_between(NOW - 6 * HOUR, NOW + HOUR, closed="left"))


def _requests(flights: pl.DataFrame) -> list[dict[str, Any]]:
    names = {"sched_dep": "sched_dep_ts", "sched_arr": "sched_arr_ts"}
    return flights.select("origin", "carrier", "dest", "tailnum", "distance", **names).to_dicts()


def test_every_row_asked_for_comes_back_in_order(store: ProjectStore, flights: pl.DataFrame) -> None:
    doubled = pl.concat([flights, flights]).sample(fraction=1, shuffle=True, seed=1)
    asked = entity_rows(doubled)

    answer = feature_store.historical(store, asked.to_pandas())

    assert len(answer) == asked.height > 400
    assert asked.select("origin", "event_timestamp").is_duplicated().any()
    back = pl.from_pandas(answer).select(asked.columns)
    assert back.select("origin", "carrier", "dest", "tailnum", "sched_dep_s").equals(
        asked.select("origin", "carrier", "dest", "tailnum", "sched_dep_s")
    )


def test_the_store_that_loses_rows_is_refused(store: ProjectStore, flights: pl.DataFrame) -> None:
    from feast import RepoConfig

    store.config = RepoConfig(
        project="handrail", provider="local", registry="r.db", offline_store={"type": "dask"}, online_store=None
    )

    with pytest.raises(Unavailable, match="the offline store 'dask' silently loses rows"):
        feature_store.historical(store, entity_rows(flights).to_pandas())


def test_the_configuration_for_the_command_line_names_the_same_stores() -> None:
    text = (Path(feature_store.__file__).parent / "feature_store.yaml").read_text(encoding="utf-8")

    assert f"type: {OFFLINE_STORE}" in text
    assert "dask" not in text
    assert "path: ${HANDRAIL_HOME}/feast/online.db" in text


def test_online_gives_what_training_gave_for_a_batch_on_the_hour(store: ProjectStore, flights: pl.DataFrame) -> None:
    batch = flights.filter(pl.col("event_timestamp") >= NOW)
    write_known(store, None, NOW)

    answer = online(store, _requests(batch), NOW)

    offline = pl.from_pandas(feature_store.historical(store, entity_rows(batch).to_pandas()))
    assert set(answer) == set(offline.columns) - set(entity_rows(batch).columns)
    assert {name: offline.get_column(name).to_list() for name in answer} == answer


def test_writing_hour_by_hour_ends_where_writing_at_once_does(
    store: ProjectStore, settings: Settings, fortnight: Path, flights: pl.DataFrame, tmp_path: Path
) -> None:
    steps = feature_store.open_feature_store(settings, fortnight / "data" / "features", tmp_path / "steps")
    feature_store.apply(steps)
    write_known(store, None, NOW)

    write_known(steps, None, NOW - 3 * HOUR)
    for hour in (2, 1, 0):
        write_known(steps, NOW - (hour + 1) * HOUR, NOW - hour * HOUR)

    asked = _requests(flights)
    assert online(steps, asked, NOW) == online(store, asked, NOW)


def test_writing_again_or_an_older_span_changes_nothing(store: ProjectStore, flights: pl.DataFrame) -> None:
    write_known(store, None, NOW)
    before = online(store, _requests(flights), NOW)

    again = write_known(store, None, NOW)
    older = write_known(store, None, NOW - 30 * HOUR)

    assert set(again.values()) | set(older.values()) == {0}
    assert online(store, _requests(flights), NOW) == before


def test_a_value_past_its_time_to_live_is_unknown(store: ProjectStore, flights: pl.DataFrame) -> None:
    write_known(store, None, NOW)
    asked = _requests(flights.tail(1))

    fresh, stale = (online(store, asked, NOW + late) for late in (3 * HOUR, 4 * HOUR))

    assert fresh["temp"][0] is not None
    assert stale["temp"] == [None]
    assert stale["origin_dep_delay_24h"] == fresh["origin_dep_delay_24h"] != [None]
    assert online(store, asked, NOW + 7 * HOUR)["origin_dep_delay_24h"] == [None]


def test_a_value_from_the_future_is_unknown(store: ProjectStore, flights: pl.DataFrame) -> None:
    write_known(store, None, NOW)

    answer = online(store, _requests(flights.tail(1)), NOW - HOUR)

    assert answer["temp"] == [None]
    assert answer["minute_of_day"] != [None]


def test_an_unknown_entity_and_no_aircraft_give_unknown_values_and_the_schedule(store: ProjectStore) -> None:
    row: dict[str, Any] = {"origin": "XXX", "carrier": "??", "dest": "YYY", "tailnum": None, "distance": 500}
    row |= {"sched_dep": NOW + 2 * HOUR, "sched_arr": NOW + 4 * HOUR}

    answer = online(store, [row], NOW)

    schedule = {"minute_of_day": [11 * 60.0], "weekday": [4.0], "scheduled_minutes": [120.0], "distance_miles": [500.0]}
    assert {name: values for name, values in answer.items() if values != [None]} == schedule


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"sched_dep": None}, "sched_dep"),
        ({"sched_arr": datetime(2013, 1, 1)}, "sched_arr"),
        ({"distance": "x"}, "distance"),
    ],
)
def test_a_request_without_its_fields_is_refused_by_name(
    store: ProjectStore, flights: pl.DataFrame, changes: dict[str, Any], field: str
) -> None:
    row = _requests(flights.head(1))[0] | changes

    with pytest.raises(InvalidInput) as caught:
        online(store, [row], NOW)

    assert caught.value.field == field


def test_no_rows_give_no_columns(store: ProjectStore) -> None:
    assert online(store, [], NOW) == {}


def test_a_reader_does_not_wait_for_a_writer(store: ProjectStore, flights: pl.DataFrame) -> None:
    write_known(store, None, NOW)

    with closing(sqlite3.connect(store.config.online_store.path, isolation_level=None)) as writer:
        writer.execute("begin immediate")
        answer = online(store, _requests(flights.tail(1)), NOW)
        writer.execute("rollback")

    assert answer["temp"] != [None]


def test_the_identity_of_a_service_does_not_depend_on_the_place(
    store: ProjectStore, fortnight: Path, settings: Settings, tmp_path: Path
) -> None:
    elsewhere = feature_store.open_feature_store(settings, tmp_path / "other" / "features", tmp_path / "other")
    feature_store.apply(elsewhere)
    feature_store.apply(elsewhere)

    identity = feature_store.service_identity(elsewhere)

    assert identity == feature_store.service_identity(store)
    manifest = json.loads((fortnight / "data" / "training" / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["feature_service"] == {"name": identity["name"], "spec_hash": identity["spec_hash"]}
    assert manifest["views"] == identity["views"]


def test_the_shipped_services_are_the_ones_that_were_released() -> None:
    """A change of a hash here changes what a released model sees: give the new set the next number."""
    from feature_repo.definitions import build

    named = {thing.name: thing for thing in build("/anywhere")}
    released = json.loads((Path(feature_store.__file__).parent / "services.json").read_text(encoding="utf-8"))

    for service, identity in released.items():
        views = [named[projection.name] for projection in named[service].feature_view_projections]
        assert feature_store.identity_of(named[service], views)["spec_hash"] == identity


def test_a_changed_service_is_refused_under_its_old_name(store: ProjectStore, monkeypatch: pytest.MonkeyPatch) -> None:
    from feature_repo import definitions

    monkeypatch.setattr(definitions, "SELECTED", dict(definitions.SELECTED) | {"weather": definitions.WEATHER[1:]})

    with pytest.raises(Refused, match="Changing the feature service 'flights_v2'") as caught:
        feature_store.apply(store)

    assert "next number in feature_repo/definitions.py" in str(caught.value)
    assert len(feature_store.service_identity(store)["views"]) == 7


class _LosingStore:
    """A store that gives one row less than it was asked for."""

    class config:  # noqa: N801, D106 - as Feast names it
        class offline_store:  # noqa: N801, D106
            type = "duckdb"

    def get_feature_service(self, name: str) -> str:
        return name

    def get_historical_features(self, entity_df: pd.DataFrame, features: str) -> _LosingStore:
        self.answer = entity_df.iloc[:-1]
        return self

    def to_df(self) -> pd.DataFrame:
        return self.answer


def test_a_row_that_does_not_come_back_is_noticed(flights: pl.DataFrame) -> None:
    losing = cast("ProjectStore", _LosingStore())

    with pytest.raises(Refused, match=f"1 of {flights.height} rows did not come back once from Feast"):
        feature_store.historical(losing, entity_rows(flights).to_pandas())


def test_a_feature_table_that_is_made_anew_is_read_anew(settings: Settings, fortnight: Path, tmp_path: Path) -> None:
    tables = Path(shutil.copytree(fortnight / "data" / "features", tmp_path / "features"))
    opened = feature_store.open_feature_store(settings, tables)
    feature_store.apply(opened)
    write_known(opened, None, NOW)
    weather = pl.read_parquet(tables / "weather.parquet")
    later = weather.filter(pl.col("event_timestamp") == NOW).with_columns(event_timestamp=NOW + timedelta(minutes=7))

    pl.concat([weather, later]).write_parquet(tables / "weather.parquet")

    assert write_known(opened, NOW, NOW + timedelta(minutes=8))["weather"] == later.height > 0


def test_feast_is_loaded_as_written_and_other_packages_keep_their_type_checks(tmp_path: Path) -> None:
    code = """
import sys, pathlib
from feature_repo.store import open_feature_store
from handrail.settings import load_settings
open_feature_store(load_settings(), home=pathlib.Path(sys.argv[1]))
import feast, typeguard
print("typeguard" in feast.Entity.__init__.__code__.co_names)
print(typeguard.typechecked.__name__)
"""

    run = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, cwd=ROOT)

    assert run.stdout.split() == ["False", "typechecked"], run.stderr
