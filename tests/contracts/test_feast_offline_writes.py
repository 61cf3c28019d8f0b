"""What Feast's own tests ask of saving, pushing, logging and materialising, asked of three offline stores alike."""

from datetime import timedelta

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from feast import FeatureService, FeatureView, Field, FileSource, PushSource
from feast.data_source import PushMode
from feast.feature_logging import FeatureServiceLoggingSource, LoggingConfig
from feast.infra.offline_stores.file_source import FileLoggingDestination, SavedDatasetFileStorage
from feast.types import Float32, Int64, String

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
    return make_world(tmp_path, "handrail")


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
