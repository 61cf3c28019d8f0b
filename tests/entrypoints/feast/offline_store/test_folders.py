"""Folders as Spark, Hive and pandas leave them, through a real FeatureStore: training rows and online rows agree."""

from datetime import timedelta

import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from feast import Entity, FeatureStore, FeatureView, Field, FileSource
from feast.infra.offline_stores.file_source import SavedDatasetFileStorage
from feast.types import Array, Bytes, Float64, Int64, Map, String
from feast.value_type import ValueType

from handrail.errors import InvalidInput
from tests.entrypoints.feast.offline_store.made import config, hour

pytestmark = pytest.mark.filterwarnings("ignore:.* is an experimental feature:RuntimeWarning")

SHOP = Entity(name="shop", join_keys=["shop_id"], value_type=ValueType.STRING)
TIME = pa.timestamp("us", "UTC")


def _write(path, at=0, **columns):
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = max(len(values) for values in columns.values())
    pq.write_table(pa.table(columns | {"t": pa.array([hour(at)] * rows, TIME)}), path)


def _store(folder, path, **fields):
    store = FeatureStore(config=config(folder))
    source = FileSource(name="source", path=str(path), timestamp_field="t")
    schema = [Field(name=name, dtype=dtype) for name, dtype in {"shop_id": String, **fields}.items()]
    store.apply([SHOP, FeatureView(name="w", entities=[SHOP], ttl=timedelta(0), schema=schema, source=source)])
    return store


def _both(store, keys, *features):
    """Return the features of the keys as training and serving get them."""
    asked = pd.DataFrame({"shop_id": keys, "event_timestamp": pd.to_datetime([hour(9)] * len(keys))})
    refs = [f"w:{feature}" for feature in features]
    offline = store.get_historical_features(asked, refs).to_arrow().select(features).to_pydict()
    store.materialize(hour(-1), hour(9))
    online = store.get_online_features(refs, [{"shop_id": key} for key in keys]).to_dict()
    return offline, {feature: online[feature] for feature in features}


def test_folder_names_are_keys_and_features_of_the_declared_type(tmp_path):
    for shop, zipped, city in (("007", "01234", "S%C3%A3o%20Paulo"), ("010", "2", "__HIVE_DEFAULT_PARTITION__")):
        _write(tmp_path / "h" / f"shop_id={shop}" / f"zip={zipped}" / f"city={city}" / "000000_0", v=[int(shop)])
    store = _store(tmp_path, tmp_path / "h", v=Int64, zip=String, city=String)

    offline, online = _both(store, ["007", "010", "7"], "v", "zip", "city")

    assert offline == {"v": [7, 10, None], "zip": ["01234", "2", None], "city": ["São Paulo", None, None]}
    assert online == offline


@pytest.mark.parametrize("stray", ["_temporary/0/part-0.parquet", ".ipynb_checkpoints/a.parquet", "_old/b"])
def test_what_a_killed_job_left_reaches_neither_training_nor_serving(tmp_path, stray):
    _write(tmp_path / "h" / "a.parquet", shop_id=["x"], v=[5])
    _write(tmp_path / "h" / stray, at=1, shop_id=["x"], v=[999])
    (tmp_path / "h" / "_SUCCESS").touch()

    for pattern in ("", "/*"):
        store = _store(tmp_path, f"{tmp_path}/h{pattern}", v=Int64)
        assert _both(store, ["x"], "v") == ({"v": [5]}, {"v": [5]})


@pytest.mark.parametrize("order", [1, -1])
def test_a_file_in_which_a_column_is_null_may_come_first(tmp_path, order):
    names = ["a", "b"][::order]
    _write(tmp_path / "h" / names[0], shop_id=["x"], v=pa.nulls(1), n=pa.nulls(1), tags=pa.nulls(1))
    _write(tmp_path / "h" / names[1], shop_id=["y"], v=["text"], n=[1], tags=[["a", "b"]])
    store = _store(tmp_path, tmp_path / "h", v=String, n=Int64, tags=Array(String))

    offline, online = _both(store, ["x", "y"], "v", "n", "tags")

    assert offline == {"v": [None, "text"], "n": [None, 1], "tags": [None, ["a", "b"]]}
    assert {name: online[name] for name in ("v", "n")} == {name: offline[name] for name in ("v", "n")}


def test_daily_files_that_drift_agree_offline_and_online(tmp_path):
    _write(tmp_path / "h" / "1", shop_id=pa.array(["x"]).dictionary_encode(), v=pa.array([1], pa.int32()))
    _write(tmp_path / "h" / "2", shop_id=["y", "z"], v=[2.0, None])
    store = _store(tmp_path, tmp_path / "h", v=Int64)

    assert _both(store, ["x", "y", "z"], "v") == ({"v": [1, 2, None]}, {"v": [1, 2, None]})


def test_a_value_that_does_not_fit_reaches_neither_training_nor_serving(tmp_path):
    _write(tmp_path / "h" / "1", shop_id=["x"], v=[1])
    _write(tmp_path / "h" / "2", shop_id=["y"], v=[2.5])
    store = _store(tmp_path, tmp_path / "h", v=Int64)
    asked = pd.DataFrame({"shop_id": ["x"], "event_timestamp": pd.to_datetime([hour(9)])})

    with pytest.raises(InvalidInput, match=r"'w': its file .*/h/2 holds 2.5 in the column 'v'"):
        store.get_historical_features(asked, ["w:v"]).to_arrow()
    with pytest.raises(InvalidInput, match=r"its file .*/h/2 holds 2.5 in the column 'v'"):
        store.materialize(hour(-1), hour(9))


@pytest.mark.parametrize("saved", ["saved.parquet", "saved"])
def test_a_saved_dataset_is_a_source_like_any_other(tmp_path, saved):
    _write(tmp_path / "h" / "a.parquet", shop_id=["x"], name=["one"], tags=[["a"]], vector=[[0.5, 1.5]])
    store = _store(tmp_path, tmp_path / "h", name=String, tags=Array(String), vector=Array(Float64))
    asked = pd.DataFrame({"shop_id": ["x"], "event_timestamp": pd.to_datetime([hour(9)])})
    job = store.get_historical_features(asked, ["w:name", "w:tags", "w:vector"])
    store.create_saved_dataset(job, "kept", SavedDatasetFileStorage(path=str(tmp_path / saved)))
    again = FeatureView(
        name="again",
        entities=[SHOP],
        source=FileSource(name="again", path=str(tmp_path / saved), timestamp_field="event_timestamp"),
    )

    store.apply([again])
    store.materialize(hour(-1), hour(10), ["again"])

    found = {field.name: field.dtype for field in store.get_feature_view("again").features}
    assert found == {"name": String, "tags": Array(String), "vector": Array(Float64)}
    online = store.get_online_features(["again:name", "again:tags", "again:vector"], [{"shop_id": "x"}]).to_dict()
    assert (online["name"], list(online["tags"][0]), list(online["vector"][0])) == (["one"], ["a"], [0.5, 1.5])


def test_what_leaves_has_the_types_of_the_source(tmp_path):
    kinds = {"s": pa.string(), "l": pa.list_(pa.string()), "m": pa.map_(pa.string(), pa.int64()), "b": pa.binary()}
    values = {"s": ["a"], "l": [["a"]], "m": [[("a", 1)]], "b": [b"a"]}
    _write(tmp_path / "a", shop_id=["x"], **{name: pa.array(values[name], kind) for name, kind in kinds.items()})
    store = _store(tmp_path, tmp_path / "a", s=String, l=Array(String), m=Map, b=Bytes)
    source = store.get_feature_view("w").batch_source

    job = store._get_provider().offline_store.pull_all_from_table_or_query(
        store.config, source, ["shop_id"], list(kinds), "t"
    )

    schema = job.to_arrow().schema
    if not hasattr(pl, "Map"):
        kinds.pop("m")  # Polars before 2 reads a map as a list
    assert {name: schema.field(name).type for name in kinds} == kinds
