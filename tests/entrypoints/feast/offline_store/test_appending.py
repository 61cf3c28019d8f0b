"""Rows appended through a real FeatureStore and by several writers at once: all are there, in the source's types."""

from concurrent.futures import ThreadPoolExecutor

import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from feast.data_source import PushMode
from feast.feature_logging import FeatureServiceLoggingSource

from handrail.entrypoints.feast.offline_store import HandrailOfflineStore
from handrail.errors import InvalidInput
from tests.entrypoints.feast.offline_store.made import config, hour, view
from tests.entrypoints.feast.offline_store.repository import applied

pytestmark = pytest.mark.filterwarnings("ignore:On demand feature view is an experimental feature:RuntimeWarning")


@pytest.fixture
def store(tmp_path):
    return applied(tmp_path)


def _weather(**columns):
    at = pd.to_datetime([hour(4)])
    return pd.DataFrame({"key": [9], "t": at, "made": at, "raw": [5], "gust": [1.5]} | columns)


def test_rows_in_the_sources_own_names_are_appended(store, tmp_path):
    store.write_to_offline_store("weather", _weather())

    assert pl.read_parquet(tmp_path / "weather.parquet")["raw"].to_list() == [21, 12, 10, None, 5]


def test_rows_in_another_order_are_put_in_order(store, tmp_path):
    store.write_to_offline_store("weather", _weather()[["gust", "raw", "made", "t", "key"]], reorder_columns=True)

    assert pl.read_parquet(tmp_path / "weather.parquet").row(4)[3:] == (5, 1.5)


def test_rows_of_another_type_are_refused_and_change_nothing(store, tmp_path):
    before = (tmp_path / "weather.parquet").read_bytes()

    with pytest.raises(InvalidInput, match="'weather'.*types"):
        store.write_to_offline_store("weather", _weather(raw=["many"]))

    assert (tmp_path / "weather.parquet").read_bytes() == before


def test_pushed_rows_take_the_types_of_the_files_beside_them(store, tmp_path):
    rows = pd.DataFrame({"k": [4], "t": pd.to_datetime([hour(4)]).as_unit("us"), "count": [44]})

    store.push("pushes", rows, to=PushMode.OFFLINE)

    schemas = {str(pq.read_schema(path).remove_metadata()) for path in (tmp_path / "pushed").iterdir()}
    assert len(schemas) == 1
    assert "timestamp[ns, tz=UTC]" in schemas.pop()


def test_a_source_that_is_not_there_yet_is_refused_with_the_view(store, tmp_path):
    (tmp_path / "weather.parquet").unlink()
    table = pa.table({"k": [1]})

    with pytest.raises(InvalidInput, match="'weather'.*cannot be read"):
        HandrailOfflineStore.offline_write_batch(store.config, store.get_feature_view("weather"), table, None)


@pytest.mark.parametrize("name", ["weather.parquet", "weather.parquet/first.parquet"])
def test_writers_at_the_same_time_lose_no_row(tmp_path, name):
    weather = view(tmp_path, "weather", {"k": [0], "t": [hour(0)], "v": [0]})
    if "/" in name:
        (tmp_path / "weather.parquet").rename(tmp_path / "first.parquet")
        (tmp_path / "weather.parquet").mkdir()
        (tmp_path / "first.parquet").rename(tmp_path / name)
    made = config(tmp_path)

    def append(number):
        rows = pa.table({"k": [number], "t": pa.array([hour(0)], pa.timestamp("us", "UTC")), "v": [number]})
        HandrailOfflineStore.offline_write_batch(made, weather, rows, None)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(append, range(1, 41)))

    assert sorted(pq.read_table(tmp_path / "weather.parquet").column("k").to_pylist()) == list(range(41))


def test_served_features_are_logged_and_read_back(store, tmp_path):
    service = store.get_feature_service("served")
    schema = FeatureServiceLoggingSource(service, store.project).get_schema(store.registry)
    row = {field.name: [hour(5) if pa.types.is_timestamp(field.type) else None] for field in schema}
    row |= {"k": [1], "weather__v": [12], "__log_date": [hour(5).date()]}
    logged = pa.table(row, schema=schema)
    pq.write_table(logged, tmp_path / "buffer.parquet")

    store.write_logged_features(logged, service)
    store.write_logged_features(tmp_path / "buffer.parquet", service)

    read = store._get_provider().retrieve_feature_service_logs(service, hour(0), hour(9), store.config, store.registry)
    assert read.to_arrow().column("weather__v").to_pylist() == [12, 12]
    later = store._get_provider().retrieve_feature_service_logs(service, hour(6), hour(9), store.config, store.registry)
    assert later.to_arrow().num_rows == 0
