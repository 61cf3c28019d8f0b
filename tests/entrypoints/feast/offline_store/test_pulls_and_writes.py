"""Materialisation reads, appended rows, logs, saved datasets, and jobs that stream."""

from datetime import timedelta

import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from feast.data_format import DeltaFormat
from feast.errors import SavedDatasetLocationAlreadyExists
from feast.feature_logging import LoggingConfig
from feast.infra.offline_stores.duckdb import DuckDBOfflineStore
from feast.infra.offline_stores.file_source import FileLoggingDestination, SavedDatasetFileStorage

from handrail.entrypoints.feast.offline_store import HandrailOfflineStore, entities
from handrail.errors import InvalidInput, Misconfigured, UnknownReference
from tests.entrypoints.feast.offline_store.made import NO_ON_DEMAND_VIEWS, config, hour, view

ROWS = {
    "k": [1, 1, 2, 1, None],
    "t": [hour(0), hour(2), hour(1), hour(2), hour(1)],
    "c": [hour(0), hour(5), hour(1), hour(4), hour(1)],
    "v": [10, 25, 11, 24, 99],
}


@pytest.fixture
def weather(tmp_path):
    return view(tmp_path, "weather", ROWS, created="c")


def _latest(store, folder, weather, start=0, end=9):
    settled = config(folder) if store is HandrailOfflineStore else config(folder, "duckdb")
    job = store.pull_latest_from_table_or_query(
        settled, weather.batch_source, ["k"], ["v"], "t", "c", hour(start), hour(end)
    )
    return sorted(map(str, pl.from_arrow(job.to_arrow()).select("k", "v").rows()))


@pytest.mark.parametrize(("start", "end"), [(0, 9), (0, 1), (1, 1), (2, 2), (3, 9)])
def test_the_newest_rows_are_those_of_the_duckdb_store(tmp_path, weather, start, end):
    ours = _latest(HandrailOfflineStore, tmp_path, weather, start, end)

    assert ours == _latest(DuckDBOfflineStore, tmp_path, weather, start, end)


def test_the_newest_row_is_the_one_created_last(tmp_path, weather):
    assert "(1, 25)" in _latest(HandrailOfflineStore, tmp_path, weather)


def _all(folder, weather, **bounds):
    job = HandrailOfflineStore.pull_all_from_table_or_query(
        config(folder), weather.batch_source, ["k"], ["v"], "t", "c", **bounds
    )
    return job.to_arrow().column("v").to_pylist()


def test_all_rows_between_two_times_include_both_ends(tmp_path, weather):
    assert _all(tmp_path, weather) == [10, 25, 11, 24, 99]
    assert _all(tmp_path, weather, start_date=hour(1), end_date=hour(2)) == [25, 11, 24, 99]
    assert _all(tmp_path, weather, start_date=hour(3)) == []


def test_a_missing_column_is_named_with_the_source(tmp_path, weather):
    with pytest.raises(UnknownReference, match=r"'weather'.*'gust'"):
        HandrailOfflineStore.pull_all_from_table_or_query(config(tmp_path), weather.batch_source, ["k"], ["gust"], "t")


def test_another_format_is_refused_with_the_way_out(tmp_path, weather):
    weather.batch_source.file_options.file_format = DeltaFormat()

    with pytest.raises(Misconfigured, match="not a Delta table"):
        _all(tmp_path, weather)


def _rows(**columns):
    table = pa.table({"k": [3], "t": [hour(3)], "c": [hour(3)], "v": [33]} | columns)
    return table.cast(
        pa.schema(
            [table.schema.field("k"), *(pa.field(n, pa.timestamp("us", "UTC")) for n in "tc"), table.schema.field("v")]
        )
    )


def test_appended_rows_join_those_that_were_there(tmp_path, weather):
    told = []

    HandrailOfflineStore.offline_write_batch(config(tmp_path), weather, _rows(), told.append)

    assert _all(tmp_path, weather) == [10, 25, 11, 24, 99, 33]
    assert told == [1]


def test_rows_appended_to_a_folder_are_a_file_of_their_own(tmp_path, weather):
    folder = tmp_path / "many"
    folder.mkdir()
    (tmp_path / "weather.parquet").rename(folder / "first.parquet")
    weather.batch_source.file_options.uri = str(folder)

    HandrailOfflineStore.offline_write_batch(config(tmp_path), weather, _rows(), None)

    assert len(list(folder.glob("*.parquet"))) == 2
    assert sorted(_all(tmp_path, weather)) == [10, 11, 24, 25, 33, 99]


def test_rows_with_other_columns_are_refused_and_change_nothing(tmp_path, weather):
    with pytest.raises(InvalidInput, match=r"'weather'.*Send exactly k, t, c, v"):
        HandrailOfflineStore.offline_write_batch(config(tmp_path), weather, _rows().select(["v", "k", "t", "c"]), None)

    assert _all(tmp_path, weather) == [10, 25, 11, 24, 99]


def test_logged_features_are_appended_and_read_back(tmp_path):
    log = LoggingConfig(destination=FileLoggingDestination(path=str(tmp_path / "log")))
    served = pa.table({"k": [1], "v": [10]})
    pq.write_table(served, tmp_path / "buffer.parquet")

    HandrailOfflineStore.write_logged_features(config(tmp_path), served, None, log, None)
    HandrailOfflineStore.write_logged_features(config(tmp_path), tmp_path / "buffer.parquet", None, log, None)

    assert pq.read_table(tmp_path / "log").num_rows == 2


def test_a_partitioned_log_is_refused_because_feast_cannot_read_it(tmp_path):
    log = LoggingConfig(destination=FileLoggingDestination(path=str(tmp_path), partition_by=["__log_date"]))

    with pytest.raises(Misconfigured, match="Leave out partition_by"):
        HandrailOfflineStore.write_logged_features(config(tmp_path), pa.table({"k": [1]}), None, log, None)


@pytest.fixture
def job(tmp_path, weather, monkeypatch):
    monkeypatch.setattr(entities, "BATCH_ROWS", 2)
    frame = pd.DataFrame({"k": [1, 2, 1, 9, 1], "event_timestamp": pd.to_datetime([hour(n) for n in (1, 1, 3, 3, 0)])})
    return HandrailOfflineStore.get_historical_features(
        config(tmp_path), [weather], ["weather:v"], frame, NO_ON_DEMAND_VIEWS, "made"
    )


EXPECTED = [10, 11, 25, None, 10]


def test_every_way_out_gives_the_same_rows(job, tmp_path):
    assert job.to_parquet(tmp_path / "out" / "history.parquet") == 5

    assert job.to_arrow().column("v").to_pylist() == EXPECTED
    assert job.to_polars()["v"].to_list() == EXPECTED
    assert job.to_df()["v"].fillna(-1).astype(int).to_list() == [value or -1 for value in EXPECTED]
    assert pq.read_table(tmp_path / "out" / "history.parquet").column("v").to_pylist() == EXPECTED
    assert not list((tmp_path / "out").glob(".*"))


def test_a_job_streams_batches_no_larger_than_asked(job):
    assert [part.num_rows for part in job.rows()] == [2, 2, 1]


def test_a_saved_dataset_is_not_overwritten_by_accident(job, tmp_path):
    storage = SavedDatasetFileStorage(path=str(tmp_path / "saved.parquet"))
    job.persist(storage)

    with pytest.raises(SavedDatasetLocationAlreadyExists):
        job.persist(storage)
    job.persist(storage, allow_overwrite=True)

    assert pq.read_table(tmp_path / "saved.parquet").num_rows == 5


def test_nothing_is_read_before_the_job_runs(job, tmp_path):
    pl.DataFrame(ROWS | {"v": [0] * 5}).write_parquet(tmp_path / "weather.parquet")

    assert job.to_arrow().column("v").to_pylist() == [0, 0, 0, None, 0]


def test_a_value_exactly_as_old_as_the_ttl_still_counts(tmp_path):
    fresh = view(tmp_path, "fresh", {"k": [1], "t": [hour(0)], "v": [5]}, ttl=timedelta(hours=1))
    frame = pd.DataFrame(
        {"k": [1, 1], "event_timestamp": pd.to_datetime([hour(1), hour(1) + timedelta(microseconds=1)])}
    )

    job = HandrailOfflineStore.get_historical_features(
        config(tmp_path), [fresh], ["fresh:v"], frame, NO_ON_DEMAND_VIEWS, "made"
    )

    assert job.to_arrow().column("v").to_pylist() == [5, None]
