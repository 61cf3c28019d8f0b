"""Saved datasets through a real FeatureStore: written once, read back whole, in the types that were declared."""

import pyarrow.parquet as pq
import pytest
from feast.data_format import DeltaFormat
from feast.errors import SavedDatasetLocationAlreadyExists
from feast.infra.offline_stores.file_source import SavedDatasetFileStorage

from handrail.entrypoints.feast.offline_store import entities
from handrail.errors import InvalidInput, Misconfigured
from tests.entrypoints.feast.offline_store.repository import applied, frame

pytestmark = pytest.mark.filterwarnings("ignore:.* is an experimental feature:RuntimeWarning")

ASKED = frame((1, 3), (2, 1), (1, -1), (7, 2), extra=[5, 6, 7, 8])


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return applied(tmp_path_factory.mktemp("saved"))


def _saved(store, path, features=("weather:v", "in_pandas:total"), *, full=False, overwrite=False):
    job = store.get_historical_features(ASKED.copy(), list(features), full_feature_names=full)
    storage = SavedDatasetFileStorage(path=str(path))
    store.create_saved_dataset(job, "history", storage, allow_overwrite=overwrite)
    return store.get_saved_dataset("history").to_arrow()


@pytest.mark.parametrize("name", ["one.parquet", "folder"])
def test_a_saved_dataset_is_read_back_whole(store, tmp_path, name):
    table = _saved(store, tmp_path / name)

    assert table.column("v").to_pylist() == [12, 21, None, None]
    assert table.column("total").to_pylist() == [17, 27, None, None]


def test_a_saved_dataset_may_have_full_names(store, tmp_path):
    table = _saved(store, tmp_path / "one.parquet", full=True)

    assert table.column("in_pandas__total").to_pylist() == [17, 27, None, None]


def test_a_relative_path_counts_from_the_repository(store):
    _saved(store, "relative.parquet")

    assert pq.read_table(store.config.repo_path / "relative.parquet").num_rows == 4


@pytest.mark.parametrize("name", ["one.parquet", "folder"])
def test_a_saved_dataset_is_overwritten_only_on_demand_and_then_wholly(store, tmp_path, name):
    _saved(store, tmp_path / name)
    if name == "folder":
        (tmp_path / name / "part-0.parquet").rename(tmp_path / name / "left-by-another-store.parquet")

    with pytest.raises(SavedDatasetLocationAlreadyExists):
        _saved(store, tmp_path / name)

    assert _saved(store, tmp_path / name, ["weather:gust"], overwrite=True).column("gust").to_pylist()[0] == 2.0
    assert pq.read_table(tmp_path / name).num_rows == 4


def test_a_format_that_is_not_written_is_refused(store, tmp_path):
    job = store.get_historical_features(ASKED.copy(), ["weather:v"])

    with pytest.raises(Misconfigured, match="DeltaFormat"):
        job.persist(SavedDatasetFileStorage(path=str(tmp_path / "delta"), file_format=DeltaFormat()))


@pytest.mark.parametrize("rows", [0, 1, 4])
@pytest.mark.parametrize("full", [False, True])
def test_batches_with_and_without_missing_values_have_the_declared_type(store, tmp_path, monkeypatch, rows, full):
    monkeypatch.setattr(entities, "BATCH_ROWS", 2)
    job = store.get_historical_features(
        ASKED.iloc[:rows], ["in_pandas:total", "in_python:both", "weather:v"], full_feature_names=full
    )

    assert job.to_parquet(tmp_path / "one.parquet") == rows

    table = pq.read_table(tmp_path / "one.parquet")
    names = ("in_pandas__total", "in_python__both") if full else ("total", "both")
    for name in names:
        assert str(table.schema.field(name).type) == "int64"
        assert table.column(name).to_pylist() == [17, 27, None, None][:rows]


def test_an_on_demand_value_that_does_not_fit_is_refused_and_leaves_nothing(store, tmp_path):
    asked = ASKED.assign(extra=ASKED["extra"] + 0.5)
    job = store.get_historical_features(asked, ["in_pandas:total"])

    with pytest.raises(InvalidInput, match="'total'.*int64"):
        job.to_parquet(tmp_path / "one.parquet")

    assert not list(tmp_path.iterdir())
