from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from flows.steps.data.live import Live, open_live
from flows.steps.release.history import open_history, point_in_time
from flows.steps.replay.features import FeastOnline
from flows.steps.replay.plan import SimulatedHour, timeline
from flows.steps.replay.skew import skew_of
from handrail.settings import Settings
from handrail.use_case import read_use_case

ROOT = Path(__file__).parents[3]
HOUR = datetime(2013, 9, 10, 16, tzinfo=UTC)


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return Settings(project=ROOT, home=tmp_path_factory.mktemp("home"))


@pytest.fixture(scope="module")
def live(settings: Settings) -> Live:
    return open_live(settings)


@pytest.fixture(scope="module")
def flights(live: Live) -> pl.DataFrame:
    """Return the flights of one hour."""
    return live.rows.filter(pl.col("event_timestamp").is_between(HOUR, HOUR + timedelta(hours=1), closed="left"))


@pytest.fixture(scope="module")
def hour(flights: pl.DataFrame) -> SimulatedHour:
    return timeline(flights, read_use_case(ROOT))[0]


@pytest.fixture(scope="module")
def store(settings: Settings, live: Live) -> FeastOnline:
    return FeastOnline(settings, live.features)


def test_online_and_offline_features_are_equal(
    settings: Settings, live: Live, flights: pl.DataFrame, hour: SimulatedHour, store: FeastOnline
) -> None:
    store.forget()
    store.write_known(None, HOUR - timedelta(days=1))
    store.write_known(HOUR - timedelta(days=1), HOUR)

    online = store.read(hour.items, HOUR)
    offline = point_in_time(open_history(settings, live.features), flights, "flights_v2")

    common = {name: offline[name].to_list() for name in online if name in offline.columns}
    skew = skew_of(len(hour.items), online, common)
    assert (skew.different, skew.features) == (0, {})
    assert len(common) > 20
    assert sum(value is not None for value in online["tail_arr_delay"]) > len(hour.items) / 2


def test_every_flight_asked_for_comes_back_in_order(settings: Settings, live: Live, flights: pl.DataFrame) -> None:
    answer = point_in_time(open_history(settings, live.features), flights, "flights_v2")

    assert answer["flight_id"].to_list() == flights["flight_id"].to_list()


def test_a_forgotten_store_knows_nothing_of_the_future(hour: SimulatedHour, store: FeastOnline) -> None:
    store.write_known(None, HOUR + timedelta(days=30))

    store.forget()
    store.write_known(None, HOUR)

    assert any(value is not None for value in store.read(hour.items, HOUR)["origin_dep_delay_3h"])
