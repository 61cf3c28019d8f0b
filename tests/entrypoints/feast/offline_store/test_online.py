"""Materialisation through a real FeatureStore puts into the online store what Feast's DuckDB store puts there."""

import pandas as pd
import pytest
from feast.data_source import PushMode

from tests.entrypoints.feast.offline_store.made import hour
from tests.entrypoints.feast.offline_store.repository import applied

pytestmark = pytest.mark.filterwarnings("ignore:On demand feature view is an experimental feature:RuntimeWarning")

FEATURES = ["weather:v", "weather:gust", "pairs:delay"]
VIEWS = ["weather", "pairs"]
KEYS = [{"k": key, "c": carrier} for key in (1, 2, 3, 4) for carrier in "ab"]


@pytest.fixture
def two(tmp_path):
    return applied(tmp_path / "ours"), applied(tmp_path / "theirs", "duckdb")


def _online(store, features=FEATURES):
    return store.get_online_features(features, KEYS).to_dict()


@pytest.mark.parametrize(("start", "end"), [(-5, 0), (-5, 1), (-5, 2), (1, 1), (2, 9), (5, 9)])
def test_materialised_rows_equal_the_duckdb_store(two, start, end):
    ours, theirs = two

    for store in two:
        store.materialize(hour(start), hour(end), VIEWS)

    assert _online(ours) == _online(theirs)


def test_materialising_further_equals_the_duckdb_store(two):
    ours, theirs = two
    for store in two:
        store.materialize(hour(-1), hour(0), VIEWS)
    first = _online(ours)

    for store in two:
        store.materialize_incremental(hour(3), VIEWS)

    assert _online(ours) == _online(theirs) != first


def test_the_newest_rows_alone_can_be_pulled(two):
    ours, theirs = two

    for store in two:
        store.config.materialization_config.pull_latest_features = True
        store.materialize(hour(-5), hour(9), VIEWS)

    assert _online(ours) == _online(theirs)
    assert _online(ours)["v"] == [12, 12, 21, 21, None, None, None, None]


def test_a_view_without_entities_is_materialised(two):
    ours, _ = two

    ours.materialize(hour(-1), hour(9), ["everywhere"])

    assert set(_online(ours, ["everywhere:level"])["level"]) == {102}


def test_pushed_rows_are_found_online_and_offline(two):
    ours, _ = two
    rows = pd.DataFrame({"k": [4], "t": pd.to_datetime([hour(4)]).as_unit("us"), "count": [44]})

    ours.push("pushes", rows, to=PushMode.ONLINE_AND_OFFLINE)

    assert _online(ours, ["pushed:count"])["count"][-1] == 44
    asked = pd.DataFrame({"k": [4, 1], "event_timestamp": pd.to_datetime([hour(5)] * 2)})
    assert ours.get_historical_features(asked, ["pushed:count"]).to_df()["count"].to_list() == [44, 1]
