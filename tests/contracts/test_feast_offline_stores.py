"""What Feast's own tests ask of a retrieval, asked of this offline store and of duckdb and dask alike."""

from datetime import datetime, timedelta, timezone

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from feast import Entity, FeatureService, FeatureView, Field, FileSource
from feast.types import Array, Bool, Bytes, Float32, Float64, Int32, Int64, String, UnixTimestamp
from feast.value_type import ValueType

from tests.contracts.feast_world import DRIVER, NOW, STORES, ago, asked, by_row, make_world, rows

pytestmark = [
    pytest.mark.filterwarnings("ignore:.* is an experimental feature:RuntimeWarning"),
    # The dask store and Feast's own conversions warn of the pandas that they run with.
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::UserWarning"),
]


@pytest.fixture(params=STORES)
def world(request, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return make_world(tmp_path, request.param)


IS = pa.types
TYPES = {
    "int32": (Int32, pa.array([1, 5], pa.int32()), IS.is_signed_integer),
    "int64": (Int64, pa.array([1, 5]), IS.is_signed_integer),
    "wide int32": (Int32, pa.array([1, 5]), IS.is_int64),
    "float32": (Float32, pa.array([0.5, 5.0], pa.float32()), IS.is_floating),
    "wide float32": (Float32, pa.array([0.1, 5.0]), IS.is_float64),
    "float64": (Float64, pa.array([0.1, 5.0]), IS.is_float64),
    "bool": (Bool, pa.array([True, False]), IS.is_boolean),
    "string": (String, pa.array(["1", "ä"]), IS.is_string),
    "bytes": (Bytes, pa.array([b"1", b"\xff"]), IS.is_binary),
    "datetime": (
        UnixTimestamp,
        pa.array([datetime(1980, 1, 1), NOW.replace(tzinfo=None)], pa.timestamp("us")),
        IS.is_timestamp,
    ),
}
LISTS = {name: TYPES[name] for name in ("int32", "int64", "wide int32", "float64", "bool", "string", "datetime")}


def _write_typed(world, dtype, column):
    times = pa.array([ago(4), ago(2)], pa.timestamp("us", "UTC"))
    pq.write_table(pa.table({"driver_id": [1, 3], "at": times, "value": column}), world.folder / "typed.parquet")
    fields = [Field(name="driver_id", dtype=Int64), Field(name="value", dtype=dtype)]
    source = FileSource(name="typed", path=str(world.folder / "typed.parquet"), timestamp_field="at")
    world.store.apply([DRIVER, FeatureView(name="typed", entities=[DRIVER], schema=fields, source=source)])
    return world.history(asked((1, ago(3)), (3, ago(1))), "typed:value").to_arrow().sort_by("driver_id")["value"]


@pytest.mark.parametrize("kind", TYPES)
def test_a_value_leaves_in_a_type_of_its_kind(world, kind):
    dtype, column, is_right = TYPES[kind]

    found = _write_typed(world, dtype, column)

    assert is_right(found.type)
    assert [_without_zone(value) for value in found.to_pylist()] == column.to_pylist()


@pytest.mark.parametrize("with_empty", [False, True])
@pytest.mark.parametrize("kind", LISTS)
def test_a_list_leaves_as_a_list_of_its_kind(world, kind, with_empty):
    dtype, column, is_right = LISTS[kind]
    lists = [[] if with_empty else column.to_pylist(), column.to_pylist()[:1]]

    found = _write_typed(world, Array(dtype), pa.array(lists, pa.list_(column.type)))

    assert IS.is_list(found.type)
    assert is_right(found.type.value_type)
    assert [[_without_zone(value) for value in values] for values in found.to_pylist()] == lists


def _without_zone(value):
    return value.replace(tzinfo=None) if isinstance(value, datetime) else value


@pytest.mark.parametrize(
    ("dtype", "keys"),
    [(Int32, pa.array([1, 3], pa.int32())), (Int64, pa.array([1, 3])), (String, pa.array(["1", "3"]))],
)
def test_a_key_finds_its_rows_and_its_type_is_inferred(world, dtype, keys):
    entity = Entity(name="driver", join_keys=["driver_id"], value_type=dtype.to_value_type())
    frame = rows(value=[10, 30]).assign(driver_id=keys.to_pylist())
    world.view("keyed", frame, {"value": Int64}, entities=[entity])
    times = pd.to_datetime([ago(1), ago(1)])

    found = world.history(
        pd.DataFrame({"driver_id": keys.to_pylist(), "event_timestamp": times}), "keyed:value"
    ).to_df()

    assert by_row(found, "value") == [(10,), (30,)]


def test_the_newest_value_at_the_time_counts(world):
    frame = pd.concat([rows(value=[1, 2]), rows(value=[3, 4]).assign(at=[ago(3), ago(1)])])
    world.view("w", frame, {"driver_id": Int64, "value": Int64})

    found = world.history(asked((1, ago(3.5)), (1, ago(3)), (1, NOW), (3, NOW)), "w:value").to_df()

    assert by_row(found, "value") == [(1,), (3,), (3,), (4,)]


def test_a_correction_that_was_written_later_counts(world):
    frame = pd.concat([rows(value=[1, 2]).assign(made=ago(4)), rows(value=[3, 4]).assign(made=ago(0))])
    world.view("w", frame, {"driver_id": Int64, "value": Int64}, created_timestamp_column="made")

    assert by_row(world.history(asked((1, NOW), (3, NOW)), "w:value").to_df(), "value") == [(3,), (4,)]


@pytest.mark.parametrize("full", [False, True])
def test_names_are_full_on_demand(world, full):
    world.view("w", rows(value=[1, 2]), {"driver_id": Int64, "value": Int64})

    found = world.history(asked((1, NOW)), "w:value", full_feature_names=full).to_df()

    assert set(found.columns) == {"driver_id", "event_timestamp", "w__value" if full else "value"}


def test_times_of_the_entity_frame_may_be_in_any_zone(world):
    world.view("w", rows(value=[1, 2]), {"driver_id": Int64, "value": Int64})
    zone = timezone(timedelta(hours=5, minutes=30))
    frame = pd.DataFrame({"driver_id": [1, 3], "event_timestamp": pd.to_datetime([ago(3).astimezone(zone)] * 2)})

    assert by_row(world.history(frame, "w:value").to_df(), "value")[0] == (1,)


@pytest.mark.parametrize("full", [False, True])
def test_a_field_mapping_is_followed(world, full):
    frame = rows(raw=[1, 2]).rename(columns={"driver_id": "id"})
    fields = {"driver_id": Int64, "value": Int64}
    world.view("w", frame, fields, field_mapping={"id": "driver_id", "raw": "value"})

    found = world.history(asked((1, NOW), (3, NOW)), "w:value", full_feature_names=full).to_df()

    assert by_row(found, "w__value" if full else "value") == [(1,), (2,)]


def test_one_view_is_looked_up_by_two_keys_of_the_frame(world):
    place = Entity(name="place", join_keys=["place_id"], value_type=ValueType.INT64)
    frame = pd.DataFrame({"place_id": [1, 2], "at": [ago(2), ago(2)], "heat": [10, 20]})
    view = world.view("places", frame, {"place_id": Int64, "heat": Int64}, entities=[place])
    ends = [view.with_name(end).with_join_key_map({"place_id": f"{end}_id"}) for end in ("origin", "destination")]
    service = FeatureService(name="ride", features=ends)
    world.store.apply([service])
    rides = asked((1, NOW), (3, NOW), origin_id=[1, 2], destination_id=[2, 1])

    found = world.store.get_historical_features(rides, service, full_feature_names=True).to_df()

    assert by_row(found, "origin__heat", "destination__heat") == [(10, 20), (20, 10)]


def test_two_views_share_a_source(world):
    first = world.view("w1", rows(value=[1, 2], other=[3, 4]), {"driver_id": Int64, "value": Int64})
    fields = [Field(name=name, dtype=Int64) for name in ("driver_id", "other")]
    world.store.apply([FeatureView(name="w2", entities=[DRIVER], schema=fields, source=first.batch_source)])

    found = world.history(asked((1, NOW), (3, NOW)), "w1:value", "w2:other").to_df()

    assert by_row(found, "value", "other") == [(1, 3), (2, 4)]
    with pytest.raises(KeyError):
        world.history(asked((1, NOW)), "w1:other")
