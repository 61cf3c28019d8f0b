"""A job that streams holds one batch at a time, whatever the number of rows."""

import gc
import weakref

import pyarrow.parquet as pq
import pytest

from handrail.entrypoints.feast.offline_store import HandrailOfflineStore, entities
from handrail.errors import InvalidInput
from tests.entrypoints.feast.offline_store.made import NO_ON_DEMAND_VIEWS, config, hour, view

SQL = """
    select range % 7 as k, timestamptz '2020-01-01 00:00:00+00' + to_seconds(range % 40000) as event_timestamp,
           range as row from range({})
"""


@pytest.fixture
def job(tmp_path, monkeypatch):
    monkeypatch.setattr(entities, "BATCH_ROWS", 4096)
    rows = {"k": [k for k in range(7) for _ in range(9)], "t": [hour(n) for _ in range(7) for n in range(9)]}
    weather = view(tmp_path, "weather", rows | {"v": [100 * k + n for k in range(7) for n in range(9)]})
    return HandrailOfflineStore.get_historical_features(
        config(tmp_path), [weather], ["weather:v"], SQL.format(50_000), NO_ON_DEMAND_VIEWS, "made"
    )


def test_a_batch_is_gone_when_the_next_one_comes(job):
    before, most = [], 0

    for part in job.rows():
        before.append(weakref.ref(part))
        del part
        gc.collect()
        most = max(most, sum(one() is not None for one in before))

    assert len(before) > 10
    assert most <= 1


def test_streamed_rows_equal_the_definition(job, tmp_path):
    assert job.to_parquet(tmp_path / "out.parquet") == 50_000

    table = pq.read_table(tmp_path / "out.parquet", columns=["row", "v"])
    assert table.column("row").to_pylist() == list(range(50_000))
    assert table.column("v").to_pylist() == [100 * (row % 7) + min(row % 40_000 // 3600, 8) for row in range(50_000)]


def test_a_stream_that_fails_leaves_no_file(job, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "weather.parquet").write_bytes(b"gone")

    with pytest.raises(InvalidInput, match="'weather'"):
        job.to_parquet(tmp_path / "out" / "out.parquet")

    assert not list((tmp_path / "out").iterdir())
