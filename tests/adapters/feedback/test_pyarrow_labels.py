"""An exported snapshot: its columns, its types, and the same bytes each time."""

from dataclasses import replace
from datetime import timedelta

import polars as pl
import pyarrow.parquet as pq
import pytest

from handrail.errors import Unavailable
from handrail.feedback.adapters.pyarrow_labels import PyarrowLabels
from handrail.feedback.domain.material import Mark, Scope
from handrail.feedback.domain.snapshots import LabelTable, Snapshot
from tests.fakes.feedback import GO_LIVE, GROUND_TRUTH

SNAPSHOT = Snapshot(
    "sha256:abc",
    Scope("ground_truth", GO_LIVE, GO_LIVE + timedelta(days=31), GO_LIVE + timedelta(days=40)),
    GROUND_TRUTH,
    2,
    2,
    Mark(2, 2),
)
ROWS = (("a", 1.0, 0.75, GO_LIVE, "p1", 0), ("b", 0.0, 0.25, GO_LIVE + timedelta(microseconds=1), "p2", None))


def write(path, rows=ROWS, snapshot=SNAPSHOT):
    PyarrowLabels().write(LabelTable(snapshot, rows), path)
    return path


def test_columns_and_types_are_those_that_training_reads(tmp_path):
    table = pl.read_parquet(write(tmp_path / "new" / "labels.parquet"))

    assert dict(table.schema) == {
        "flight_id": pl.String,
        "late": pl.Int8,
        "score": pl.Float64,
        "made_at": pl.Datetime("us", "UTC"),
        "prediction_id": pl.String,
        "revision": pl.Int32,
    }
    assert table.rows() == [tuple(row) for row in ROWS]


def test_the_same_table_gives_the_same_bytes(tmp_path):
    assert write(tmp_path / "a").read_bytes() == write(tmp_path / "b").read_bytes()


def test_the_file_names_its_snapshot_and_nothing_lies_beside_it(tmp_path):
    path = write(tmp_path / "labels.parquet")

    assert pq.read_schema(path).metadata[b"handrail.snapshot"] == b"sha256:abc"
    assert list(tmp_path.iterdir()) == [path]


def test_a_snapshot_without_labels_has_the_same_columns(tmp_path):
    empty = pl.read_parquet(write(tmp_path / "labels.parquet", rows=()))

    assert (empty.height, empty.schema["late"]) == (0, pl.Int8)


def test_values_that_are_no_small_numbers_stay_what_they_are(tmp_path):
    revenue = replace(SNAPSHOT, kind=replace(GROUND_TRUTH, values=(), label_column="revenue"))
    rows = (("a", 19.99, 0.75, GO_LIVE, "p1", 0),)

    assert pl.read_parquet(write(tmp_path / "r", rows, revenue)).get_column("revenue").to_list() == [19.99]


def test_a_file_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("in the way")

    with pytest.raises(Unavailable, match=r"file/labels\.parquet"):
        write(tmp_path / "file" / "labels.parquet")
