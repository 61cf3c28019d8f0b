"""Sources in a Google Cloud Storage of the test's own, read by the real clients of pyarrow and Polars."""

import io
import os

import pandas as pd
import polars as pl
import pytest

from handrail.entrypoints.feast.offline_store import HandrailOfflineStore
from handrail.errors import InvalidInput, Misconfigured
from tests.entrypoints.feast.offline_store.gcs import served
from tests.entrypoints.feast.offline_store.made import NO_ON_DEMAND_VIEWS, config, hour, view


def _parquet(at, value):
    held = io.BytesIO()
    pl.DataFrame({"k": [1], "t": [hour(at)], "v": [value]}).write_parquet(held)
    return held.getvalue()


@pytest.fixture
def gcs(monkeypatch, tmp_path):
    """A store with a few files: its folder, where one may write more, and its address."""
    for name in [name for name in os.environ if name.startswith(("GOOGLE_", "CLOUD_STORAGE_"))]:
        monkeypatch.delenv(name)
    _put(tmp_path / "store", "bucket/one.parquet", _parquet(2, 7))
    _put(tmp_path / "store", "bucket/years/year=2020/a.parquet", _parquet(0, 10))
    _put(tmp_path / "store", "bucket/years/year=2021/b.parquet", _parquet(2, 12))
    _put(tmp_path / "store", "bucket/years/_SUCCESS", b"")
    with served(tmp_path / "store") as url:
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", url)
        yield tmp_path / "store", url


def _put(folder, key, content):
    (folder / key).parent.mkdir(parents=True, exist_ok=True)
    (folder / key).write_bytes(content)


def _values(folder, path, features=("v",)):
    made = view(folder, "weather", {"k": [1], "t": [hour(0)], "v": [0]})
    made.batch_source.file_options.uri = path
    asked = pd.DataFrame({"k": [1, 1, 2], "event_timestamp": pd.to_datetime([hour(1), hour(3), hour(3)])})
    refs = [f"weather:{name}" for name in features]
    job = HandrailOfflineStore.get_historical_features(config(folder), [made], refs, asked, NO_ON_DEMAND_VIEWS, "made")
    return [job.to_arrow().column(name).to_pylist() for name in features]


@pytest.mark.parametrize(
    ("path", "values"),
    [
        ("gs://bucket/one.parquet", [None, 7, None]),
        ("gcs://bucket/one.parquet", [None, 7, None]),
        ("gs://bucket/years", [10, 12, None]),
        ("gs://bucket/years/", [10, 12, None]),
        ("gs://bucket/years/*/*.parquet", [10, 12, None]),
    ],
)
def test_a_file_a_folder_and_a_pattern_are_read(tmp_path, gcs, path, values):
    assert _values(tmp_path, path) == [values]


def test_partitions_in_folder_names_are_columns(tmp_path, gcs):
    assert _values(tmp_path, "gs://bucket/years", ("v", "year")) == [[10, 12, None], [2020, 2021, None]]


@pytest.mark.parametrize("path", ["gs://bucket/none.parquet", "gs://bucket/none/*.parquet", "gs://nowhere/a"])
def test_a_source_that_is_not_there_is_refused_with_the_view(tmp_path, gcs, path):
    with pytest.raises(InvalidInput, match="'weather'"):
        _values(tmp_path, path)


def test_a_delta_table_is_refused_by_name(tmp_path, gcs):
    _put(gcs[0], "bucket/table/_delta_log/00000000000000000000.json", b"{}")
    _put(gcs[0], "bucket/table/a.parquet", _parquet(0, 1))

    with pytest.raises(Misconfigured, match="bucket/table is a Delta table in Google Cloud Storage"):
        _values(tmp_path, "gs://bucket/table")


def test_an_emulator_without_an_address_is_one_sentence(tmp_path, gcs, monkeypatch):
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", "ftp://there")

    with pytest.raises(Misconfigured, match="STORAGE_EMULATOR_HOST is 'ftp://there'"):
        _values(tmp_path, "gs://bucket/one.parquet")


def test_a_host_alone_is_an_address(tmp_path, gcs, monkeypatch):
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", gcs[1].removeprefix("http://"))

    assert _values(tmp_path, "gs://bucket/one.parquet") == [[None, 7, None]]
