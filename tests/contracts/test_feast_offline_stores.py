"""What Feast's own tests ask of every offline store, asked of this one and of Feast's duckdb and dask stores alike."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from feast import Entity, FeatureService, FeatureStore, FeatureView, Field, FileSource, PushSource, RepoConfig
from feast.data_source import PushMode
from feast.feature_logging import FeatureServiceLoggingSource, LoggingConfig
from feast.infra.offline_stores.file_source import FileLoggingDestination, SavedDatasetFileStorage
from feast.types import Array, Bool, Bytes, Float32, Float64, Int32, Int64, String, UnixTimestamp
from feast.value_type import ValueType

pytestmark = [
    pytest.mark.filterwarnings("ignore:.* is an experimental feature:RuntimeWarning"),
    # The dask store and Feast's own conversions warn of the pandas that they run with.
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::UserWarning"),
]

STORES = {"handrail": "handrail.feast.HandrailOfflineStore", "duckdb": "duckdb", "dask": "dask"}
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
DRIVER = Entity(name="driver", join_keys=["driver_id"], value_type=ValueType.INT64)


def ago(hours):
    return NOW - timedelta(hours=hours)


@dataclass(frozen=True)
class World:
    """A feature repository in a folder, with one offline store."""

    folder: Path
    store: FeatureStore

    def source(self, name, frame, **options):
        path = self.folder / f"{name}.parquet"
        frame.to_parquet(path, index=False, coerce_timestamps="us", allow_truncated_timestamps=True)
        return FileSource(name=name, path=str(path), **{"timestamp_field": "at", **options})

    def view(self, name, frame, fields, *, entities=(DRIVER,), ttl=timedelta(days=5), **options):
        """Apply a view over the rows of a frame."""
        view = FeatureView(
            name=name,
            entities=list(entities),
            ttl=ttl,
            schema=[Field(name=field, dtype=dtype) for field, dtype in fields.items()],
            source=self.source(name, frame, **options),
        )
        self.store.apply([*entities, view])
        return view

    def history(self, asked, *features, **options):
        return self.store.get_historical_features(asked.copy(), list(features), **options)


@pytest.fixture(params=STORES)
def world(request, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return _world(tmp_path, request.param)


def _world(folder, kind):
    config = RepoConfig(
        project="shop",
        provider="local",
        registry=str(folder / "registry.db"),
        repo_path=str(folder),
        offline_store={"type": STORES[kind]},
        online_store={"type": "sqlite", "path": str(folder / "online.db")},
        entity_key_serialization_version=3,
    )
    return World(folder, FeatureStore(config=config))


def asked(*rows, **columns):
    """Return an entity frame of rows of driver and time."""
    times = pd.to_datetime([at for _, at in rows], utc=True)
    return pd.DataFrame({"driver_id": [driver for driver, _ in rows], "event_timestamp": times, **columns})


def by_row(frame, *columns):
    """Return the columns row by row, in the order of driver and time; dask does not keep the order."""
    ordered = frame.sort_values(["driver_id", "event_timestamp"])
    return [
        tuple(None if _is_null(value) else value for value in row)
        for row in ordered[list(columns)].itertuples(index=False)
    ]


def _is_null(value):
    return value is None or (pd.api.types.is_scalar(value) and pd.isna(value))


def rows(**values):
    """Return source rows of the drivers 1 and 3, four and two hours ago."""
    return pd.DataFrame({"driver_id": [1, 3], "at": [ago(4), ago(2)], **values})


IS = pa.types
TYPES = {
    "int32": (Int32, pa.array([1, 5], pa.int32()), IS.is_signed_integer),
    "int64": (Int64, pa.array([1, 5]), IS.is_signed_integer),
    "wide int32": (Int32, pa.array([1, 5]), IS.is_signed_integer),
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


def test_a_saved_dataset_gives_back_what_was_saved(world):
    world.view("w", rows(value=[1, 2], name=["a", "b"]), {"driver_id": Int64, "value": Int64, "name": String})
    job = world.history(asked((1, NOW), (3, NOW)), "w:value", "w:name")
    saved = world.store.create_saved_dataset(
        job, "kept", SavedDatasetFileStorage(path=str(world.folder / "kept.parquet"))
    )

    assert by_row(saved.to_df(), "value", "name") == [(1, "a"), (2, "b")]


def test_a_saved_dataset_serves_as_a_source(world):
    world.view("w", rows(value=[1, 2], name=["a", "b"]), {"driver_id": Int64, "value": Int64, "name": String})
    job = world.history(asked((1, NOW), (3, NOW)), "w:value", "w:name")
    path = world.folder / "kept.parquet"
    world.store.create_saved_dataset(job, "kept", SavedDatasetFileStorage(path=str(path)))
    source = FileSource(name="kept", path=str(path), timestamp_field="event_timestamp")

    world.store.apply([FeatureView(name="again", entities=[DRIVER], source=source)])
    world.store.materialize(ago(24), NOW + timedelta(hours=1), ["again"])

    assert {field.name: field.dtype for field in world.store.get_feature_view("again").features} == {
        "value": Int64,
        "name": String,
    }
    assert _online(world, "again:value", "again:name") == {"value": [1, 2], "name": ["a", "b"]}


def _online(world, *features):
    found = world.store.get_online_features(list(features), [{"driver_id": 1}, {"driver_id": 3}]).to_dict()
    return {feature.partition(":")[2]: found[feature.partition(":")[2]] for feature in features}


@pytest.mark.parametrize("newest_alone", [False, True])
def test_what_is_materialised_is_what_training_saw(world, newest_alone):
    world.store.config.materialization_config.pull_latest_features = newest_alone
    frame = pd.concat([rows(value=[1.5, 2.5]), rows(value=[None, 4.5]).assign(at=[ago(3), ago(1)])])
    world.view("w", frame, {"driver_id": Int64, "value": Float32})
    trained = by_row(world.history(asked((1, ago(2)), (3, ago(2))), "w:value").to_df(), "value")

    world.store.materialize(ago(24), ago(2))

    assert [(value,) for value in _online(world, "w:value")["value"]] == trained == [(None,), (2.5,)]


def _pushed(world):
    source = PushSource(name="pushes", batch_source=world.source("pushed", rows(value=[1, 2], made=ago(9))))
    fields = [Field(name=name, dtype=Int64) for name in ("driver_id", "value")]
    world.store.apply([DRIVER, source, FeatureView(name="pushed", entities=[DRIVER], schema=fields, source=source)])


def test_pushed_rows_are_there_for_the_next_retrieval(world):
    _pushed(world)
    new = pd.DataFrame(
        {"driver_id": [1], "at": pd.to_datetime([ago(1)]), "value": [9], "made": pd.to_datetime([ago(1)])}
    )

    world.store.push("pushes", new, to=PushMode.OFFLINE)

    assert by_row(world.history(asked((1, NOW), (3, NOW)), "pushed:value").to_df(), "value") == [(9,), (2,)]


def test_written_rows_may_have_their_columns_in_another_order(world):
    world.view(
        "w", rows(value=[1, 2], made=ago(9)), {"driver_id": Int64, "value": Int64}, created_timestamp_column="made"
    )
    new = pd.DataFrame(
        {"value": [9], "made": pd.to_datetime([ago(1)]), "at": pd.to_datetime([ago(1)]), "driver_id": [3]}
    )

    world.store.write_to_offline_store("w", new)
    world.store.write_to_offline_store("w", new.assign(value=[11], at=pd.to_datetime([ago(0.5)])))

    assert by_row(world.history(asked((1, NOW), (3, ago(1)), (3, NOW)), "w:value").to_df(), "value") == [
        (1,),
        (9,),
        (11,),
    ]


def test_written_rows_with_other_columns_are_refused_with_their_names(world):
    world.view("w", rows(value=[1, 2]), {"driver_id": Int64, "value": Int64})

    with pytest.raises(ValueError, match="missing_expected_columns: .*value.*extra_unexpected_columns: .*other"):
        world.store.write_to_offline_store("w", rows(other=[1, 2]))


@pytest.fixture
def ours(tmp_path, monkeypatch):
    """Return a repository with this store, for what Feast's file stores do not do in 0.67."""
    monkeypatch.chdir(tmp_path)
    return _world(tmp_path, "handrail")


def test_without_an_entity_frame_every_moment_of_a_key_is_there(ours):
    frame = pd.concat([rows(value=[0.1, 0.2]), rows(value=[0.3, 0.4]).assign(at=[ago(3), ago(1)])])
    ours.view("w", frame, {"driver_id": Int64, "value": Float32})

    found = ours.store.get_historical_features(None, ["w:value"], start_date=ago(24), end_date=NOW).to_df()

    assert by_row(found, "driver_id", "value") == [(1, 0.1), (1, 0.3), (3, 0.2), (3, 0.4)]


def test_a_query_gives_the_entity_rows(ours):
    ours.view("w", rows(value=[1, 2]), {"driver_id": Int64, "value": Int64})
    asked((1, NOW), (3, NOW)).to_parquet(ours.folder / "orders.parquet")
    query = f"select driver_id, event_timestamp from '{ours.folder}/orders.parquet'"

    assert by_row(ours.store.get_historical_features(query, ["w:value"]).to_df(), "value") == [(1,), (2,)]


@pytest.mark.parametrize("as_path", [False, True])
def test_served_features_are_logged_and_read_back(ours, as_path):
    view = ours.view("w", rows(value=[1, 2]), {"driver_id": Int64, "value": Int64})
    log = LoggingConfig(destination=FileLoggingDestination(path=str(ours.folder / "log")))
    ours.store.apply([FeatureService(name="served", features=[view], logging_config=log)])
    service = ours.store.get_feature_service("served")
    schema = FeatureServiceLoggingSource(service, "shop").get_schema(ours.store.registry)
    logged = pa.table({field.name: pa.nulls(2, field.type) for field in schema})
    logged = logged.set_column(schema.get_field_index("w__value"), "w__value", pa.array([1, 2]))
    times = pa.array([NOW, NOW], schema.field("__log_timestamp").type)
    logged = logged.set_column(schema.get_field_index("__log_timestamp"), "__log_timestamp", times)

    if as_path:
        (ours.folder / "batch").mkdir()
        pq.write_table(logged, ours.folder / "batch" / "logs.parquet")
    ours.store.write_logged_features(ours.folder / "batch" if as_path else logged, service)

    stored = pq.read_table(ours.folder / "log")
    assert sorted(stored.column("w__value").to_pylist()) == [1, 2]
