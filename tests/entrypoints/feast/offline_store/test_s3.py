"""Sources, saved datasets and logs in an S3 of the test's own."""

import io

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from feast.errors import SavedDatasetLocationAlreadyExists
from feast.feature_logging import LoggingConfig
from feast.infra.offline_stores.file_source import FileLoggingDestination, FileSource, SavedDatasetFileStorage

from handrail.entrypoints.feast.offline_store import HandrailOfflineStore
from handrail.entrypoints.feast.offline_store.sources import s3_options
from handrail.errors import InvalidInput, Misconfigured
from tests.entrypoints.feast.offline_store.made import NO_ON_DEMAND_VIEWS, config, hour, view
from tests.entrypoints.feast.offline_store.s3 import served

NEW = pa.table({"k": [3], "t": pa.array([hour(3)], pa.timestamp("us", "UTC")), "v": [33]})


def _parquet(at, value):
    held = io.BytesIO()
    pl.DataFrame({"k": [1], "t": [hour(at)], "v": [value]}).write_parquet(held)
    return held.getvalue()


@pytest.fixture
def s3(monkeypatch):
    for name, value in {
        "AWS_ACCESS_KEY_ID": "me",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
    }.items():
        monkeypatch.setenv(name, value)
    with served() as server:
        server.objects |= {
            "bucket/one.parquet": _parquet(2, 7),
            "bucket/years/year=2020/a.parquet": _parquet(0, 10),
            "bucket/years/year=2021/b.parquet": _parquet(2, 12),
            "bucket/flat/a.parquet": _parquet(0, 10),
        }
        yield server


def _view(folder, s3, path):
    made = view(folder, "weather", {"k": [1], "t": [hour(0)], "v": [0]}, s3_endpoint_override=s3.url)
    made.batch_source.file_options.uri = path
    return made


def _job(folder, s3, path):
    asked = pd.DataFrame({"k": [1, 1, 2], "event_timestamp": pd.to_datetime([hour(1), hour(3), hour(3)])})
    return HandrailOfflineStore.get_historical_features(
        config(folder), [_view(folder, s3, path)], ["weather:v"], asked, NO_ON_DEMAND_VIEWS, "made"
    )


@pytest.mark.parametrize(
    ("path", "values"),
    [
        ("s3://bucket/one.parquet", [None, 7, None]),
        ("s3://bucket/years", [10, 12, None]),
        ("s3://bucket/years/", [10, 12, None]),
        ("s3://bucket/years/*/*.parquet", [10, 12, None]),
    ],
)
def test_a_file_a_folder_and_a_glob_are_read(tmp_path, s3, path, values):
    assert _job(tmp_path, s3, path).to_arrow().column("v").to_pylist() == values


def test_a_folder_is_found_by_what_it_is_and_read_as_one_on_this_machine(tmp_path, s3):
    s3.objects |= {
        "bucket/f.parquet/000000_0": _parquet(0, 10),
        "bucket/f.parquet/part-1.PARQUET": _parquet(2, 12),
        "bucket/f.parquet/_SUCCESS": b"",
        "bucket/f.parquet/_temporary/0/part-0.parquet": _parquet(2, 999),
        "bucket/f.parquet/.part-1.crc": b"crc",
    }

    for path in ("s3://bucket/f.parquet", "s3://bucket/f.parquet/", "s3://bucket/f.parquet/*"):
        assert _job(tmp_path, s3, path).to_arrow().column("v").to_pylist() == [10, 12, None]


def test_folder_names_are_decoded_once(tmp_path, s3):
    s3.objects |= {
        "bucket/cities/k=1/city=S%C3%A3o%20Paulo/a b.parquet": _parquet(0, 10),
        "bucket/cities/k=1/city=50%25/c+d.parquet": _parquet(2, 12),
    }

    weather = _view(tmp_path, s3, "s3://bucket/cities")
    job = HandrailOfflineStore.pull_all_from_table_or_query(
        config(tmp_path), weather.batch_source, ["k"], ["v", "city"], "t"
    )

    assert sorted(job.to_polars().select("v", "city").rows()) == [(10, "São Paulo"), (12, "50%")]


@pytest.mark.parametrize("log", [".hoodie/hoodie.properties", "metadata/v1.metadata.json"])
def test_a_table_with_a_log_is_refused_by_its_name(tmp_path, s3, log):
    s3.objects |= {"bucket/lake/a.parquet": _parquet(0, 10), f"bucket/lake/{log}": b"{}"}

    for path in ("s3://bucket/lake", "s3://bucket/lake/*.parquet"):
        with pytest.raises(Misconfigured, match="'weather': bucket/lake is a table of"):
            _job(tmp_path, s3, path)


def test_an_object_that_is_no_parquet_is_refused_by_its_name(tmp_path, s3):
    s3.objects["bucket/flat/notes.csv"] = b"a,b"

    with pytest.raises(InvalidInput, match="'weather': its file bucket/flat/notes.csv cannot be read as parquet"):
        _job(tmp_path, s3, "s3://bucket/flat")


@pytest.mark.parametrize("path", ["s3://bucket/none.parquet", "s3://bucket/none"])
def test_what_is_not_there_is_refused_with_the_view(tmp_path, s3, path):
    with pytest.raises(InvalidInput, match="'weather'.*does not exist"):
        _job(tmp_path, s3, path)


def test_a_saved_dataset_is_not_overwritten_by_accident(tmp_path, s3):
    storage = SavedDatasetFileStorage(path="s3://bucket/saved.parquet", s3_endpoint_override=s3.url)
    job = _job(tmp_path, s3, "s3://bucket/years")
    job.persist(storage)

    with pytest.raises(SavedDatasetLocationAlreadyExists):
        job.persist(storage)
    job.persist(storage, allow_overwrite=True)

    saved = pl.read_parquet(io.BytesIO(s3.objects["bucket/saved.parquet"]))
    assert saved["v"].to_list() == [10, 12, None]


def test_rows_are_appended_to_a_folder_as_a_new_object(tmp_path, s3):
    weather = _view(tmp_path, s3, "s3://bucket/flat")

    HandrailOfflineStore.offline_write_batch(config(tmp_path), weather, NEW, None)

    added = [name for name in s3.objects if name.startswith("bucket/flat/") and name != "bucket/flat/a.parquet"]
    assert [pl.read_parquet(io.BytesIO(s3.objects[name]))["v"].to_list() for name in added] == [[33]]


def test_appending_to_one_object_is_refused_because_two_writers_could_lose_rows(tmp_path, s3):
    weather = _view(tmp_path, s3, "s3://bucket/one.parquet")

    with pytest.raises(Misconfigured, match="Make the source a folder"):
        HandrailOfflineStore.offline_write_batch(config(tmp_path), weather, NEW, None)


def test_logged_features_become_an_object(tmp_path, s3):
    destination = FileLoggingDestination(path="s3://bucket/log", s3_endpoint_override=s3.url)

    HandrailOfflineStore.write_logged_features(config(tmp_path), NEW, None, LoggingConfig(destination), None)

    assert sum(name.startswith("bucket/log/") for name in s3.objects) == 1


@pytest.mark.parametrize(
    ("endpoint", "options"),
    [
        (None, {}),
        ("http://localhost:9000", {"AWS_ENDPOINT_URL": "http://localhost:9000", "AWS_ALLOW_HTTP": "true"}),
        ("minio:9000", {"AWS_ENDPOINT_URL": "https://minio:9000", "AWS_ALLOW_HTTP": "false"}),
    ],
)
def test_an_endpoint_is_handed_on(endpoint, options):
    assert s3_options(FileSource(path="s3://bucket/x", s3_endpoint_override=endpoint)) == options
