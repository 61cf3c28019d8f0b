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
from handrail.errors import InvalidInput, Misconfigured
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


@pytest.mark.parametrize("name", ["w.parquet", "w"])
@pytest.mark.parametrize(
    ("held", "value", "kind"),
    [
        (pa.float32(), 0.1, "double"),
        (pa.float32(), 0.5, "float"),
        (pa.int32(), 2**40, "int64"),
        (pa.null(), "a", "string"),
    ],
)
def test_an_appended_value_is_not_rounded(tmp_path, name, held, value, kind):
    weather = view(tmp_path, "w", {"k": [1], "t": [hour(0)], "v": [0]})
    weather.batch_source.file_options.uri = str(tmp_path / name)
    file = tmp_path / name / "000000_0" if name == "w" else tmp_path / name
    file.parent.mkdir(exist_ok=True)
    time = pa.timestamp("us", "UTC")
    pq.write_table(pa.table({"k": [1], "t": pa.array([hour(0)], time), "v": pa.array([None], held)}), file)
    (tmp_path / "w" / "_SUCCESS").touch() if name == "w" else None

    rows = pa.table({"k": [2], "t": pa.array([hour(1)], time), "v": [value]})
    HandrailOfflineStore.offline_write_batch(config(tmp_path), weather, rows, None)

    job = HandrailOfflineStore.pull_all_from_table_or_query(config(tmp_path), weather.batch_source, ["k"], ["v"], "t")
    found = job.to_arrow()
    assert sorted(zip(found["k"].to_pylist(), found["v"].to_pylist(), strict=True)) == [(1, None), (2, value)]
    assert str(found.schema.field("v").type) == kind


def test_rows_are_not_appended_to_a_table_with_a_log(tmp_path):
    weather = view(tmp_path, "w", {"k": [1], "t": [hour(0)], "v": [0]})
    (tmp_path / "lake" / "_delta_log").mkdir(parents=True)
    (tmp_path / "w.parquet").rename(tmp_path / "lake" / "a.parquet")
    weather.batch_source.file_options.uri = str(tmp_path / "lake")

    with pytest.raises(Misconfigured, match="'w'.*lake is a table of Delta"):
        HandrailOfflineStore.offline_write_batch(
            config(tmp_path), weather, pq.read_table(tmp_path / "lake" / "a.parquet"), None
        )
    assert len(list((tmp_path / "lake").iterdir())) == 2


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
