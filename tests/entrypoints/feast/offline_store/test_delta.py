"""Delta tables as the library that wrote them reads them: removed files do not count, partitions are columns."""

import json
import sys
from datetime import date

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable, write_deltalake
from feast import FeatureView, Field, FileSource
from feast.data_format import DeltaFormat
from feast.types import Int64, String, UnixTimestamp
from hypothesis import given
from hypothesis import strategies as st

from handrail.entrypoints.feast.offline_store import HandrailOfflineStore
from handrail.entrypoints.feast.offline_store.source_rows import Wanted
from handrail.entrypoints.feast.offline_store.sources import open_source
from handrail.errors import InvalidInput, Misconfigured
from tests.entrypoints.feast.offline_store.made import NO_ON_DEMAND_VIEWS, config, hour
from tests.fakes.effort import tried

SCHEMA = pa.schema([("k", pa.int64()), ("zip", pa.string()), ("day", pa.date32()), ("t", pa.timestamp("us", "UTC"))])


def _rows(*rows):
    records = [{"k": k, "zip": code, "day": day, "t": hour(0)} for k, code, day in rows]
    return pa.Table.from_pylist(records, schema=SCHEMA)


def _source(path, **source):
    return FileSource(name="w", path=str(path), timestamp_field="t", **source)


def _read(folder, path, **source):
    wanted = Wanted("Feature view 'w'", {"k": Int64, "zip": String, "day": UnixTimestamp})
    opened = open_source(_source(path, **source), folder, wanted)
    return opened.rows.collect().to_arrow()


def _sorted(table):
    return sorted(table.select(["k", "zip", "day"]).to_pylist(), key=str)


ROW = st.tuples(
    st.integers(0, 3),
    st.sampled_from(["007", "7", "a b/ä", "50%", "x=y", "", None]),
    st.sampled_from([date(2026, 1, 1), date(2026, 1, 2), None]),
)


@tried(20)
@given(
    writes=st.lists(
        st.tuples(st.sampled_from(["append", "overwrite", "delete"]), st.lists(ROW, min_size=1, max_size=4)),
        min_size=1,
        max_size=4,
    ),
    by=st.sampled_from([None, ["zip"], ["day", "zip"]]),
)
def test_a_table_is_read_as_its_own_library_reads_it(tmp_path_factory, writes, by):
    folder = tmp_path_factory.mktemp("delta")
    write_deltalake(folder / "lake", _rows((9, "9", None)), partition_by=by)
    for mode, rows in writes:
        if mode == "delete":
            DeltaTable(folder / "lake").delete(f"k = {rows[0][0]}")
        else:
            write_deltalake(folder / "lake", _rows(*rows), mode=mode, partition_by=by)

    theirs = DeltaTable(folder / "lake").to_pyarrow_dataset().to_table()
    if theirs.num_rows:
        assert _sorted(_read(folder, folder / "lake")) == _sorted(theirs)


@pytest.mark.parametrize("file_format", [None, DeltaFormat()])
def test_history_reads_a_table_with_and_without_its_format(tmp_path, file_format):
    import pandas as pd

    write_deltalake(tmp_path / "lake", _rows((1, "old", None)))
    write_deltalake(
        tmp_path / "lake", _rows((1, "007", None)), mode="overwrite", partition_by=["zip"], schema_mode="overwrite"
    )
    fields = [Field(name="k", dtype=Int64), Field(name="zip", dtype=String)]
    view = FeatureView(name="w", schema=fields, source=_source(tmp_path / "lake", file_format=file_format))
    view.entity_columns = [fields[0]]
    asked = pd.DataFrame({"k": [1], "event_timestamp": pd.to_datetime([hour(1)])})

    job = HandrailOfflineStore.get_historical_features(
        config(tmp_path), [view], ["w:zip"], asked, NO_ON_DEMAND_VIEWS, "made"
    )

    assert job.to_arrow().column("zip").to_pylist() == ["007"]


def test_a_column_that_came_later_is_null_before(tmp_path):
    write_deltalake(tmp_path / "lake", _rows((1, "a", None)).drop_columns(["day"]))
    write_deltalake(tmp_path / "lake", _rows((2, "b", date(2026, 1, 1))), mode="append", schema_mode="merge")

    assert _sorted(_read(tmp_path, tmp_path / "lake")) == [
        {"k": 1, "zip": "a", "day": None},
        {"k": 2, "zip": "b", "day": date(2026, 1, 1)},
    ]


def test_without_the_library_a_table_is_refused_with_the_remedy(tmp_path, monkeypatch):
    write_deltalake(tmp_path / "lake", _rows((1, "a", None)))
    monkeypatch.setattr(sys, "path", [])
    monkeypatch.delitem(sys.modules, "deltalake")

    with pytest.raises(Misconfigured, match=r"'w'.*lake is a table of Delta.*install handrail\[deltalake\]"):
        _read(tmp_path, tmp_path / "lake")


@pytest.mark.parametrize("path", ["lake/*.parquet", "lake/zip=a", "."])
def test_a_part_of_a_table_is_refused_with_the_table(tmp_path, path):
    write_deltalake(tmp_path / "all" / "lake", _rows((1, "a", None)), partition_by=["zip"])
    pq.write_table(_rows((2, "b", None)), tmp_path / "all" / "beside.parquet")

    with pytest.raises(Misconfigured, match=rf"name {tmp_path}/all/lake itself"):
        _read(tmp_path, tmp_path / "all" / path)


def test_a_damaged_log_is_refused_by_a_sentence(tmp_path):
    write_deltalake(tmp_path / "lake", _rows((1, "a", None)))
    for log in (tmp_path / "lake" / "_delta_log").glob("*.json"):
        log.write_text("{}")

    with pytest.raises(InvalidInput, match="'w': the log of the Delta table .*lake cannot be read"):
        _read(tmp_path, tmp_path / "lake")


def test_a_table_with_deletion_vectors_is_refused_by_the_name_of_the_feature(tmp_path):
    write_deltalake(tmp_path / "lake", _rows((1, "a", None)))
    log = next((tmp_path / "lake" / "_delta_log").glob("*.json"))
    lines = log.read_text().splitlines()
    features = {"readerFeatures": ["deletionVectors"], "writerFeatures": ["deletionVectors"]}
    protocol = json.dumps({"protocol": {"minReaderVersion": 3, "minWriterVersion": 7} | features})
    log.write_text("\n".join(protocol if "protocol" in line else line for line in lines))

    with pytest.raises(Misconfigured, match="lake uses deletionVectors"):
        _read(tmp_path, tmp_path / "lake")


def test_a_format_that_the_folder_does_not_have_is_refused(tmp_path):
    pq.write_table(_rows((1, "a", None)), tmp_path / "a.parquet")

    with pytest.raises(Misconfigured, match="'w'.*a.parquet is not a Delta table"):
        _read(tmp_path, tmp_path / "a.parquet", file_format=DeltaFormat())
