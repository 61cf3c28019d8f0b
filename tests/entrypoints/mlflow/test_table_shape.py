"""How many records a file holds."""

import pyarrow as pa
import pytest
from pyarrow import parquet

from handrail.entrypoints.mlflow.table_shape import shape_of


@pytest.mark.parametrize(
    ("text", "shape"),
    [
        ("a,b\n1,2\n3,4\n", {"records": 3, "header": ["a", "b"]}),
        ('a,b\n"two\nlines",2\n', {"records": 2, "header": ["a", "b"]}),
        ("a\n\n\n1", {"records": 2, "header": ["a"]}),
        ("", {"records": 0}),
    ],
)
def test_records_of_csv_are_counted_as_readers_of_frames_do(tmp_path, text, shape):
    (tmp_path / "x").write_text(text)

    assert shape_of(tmp_path / "x", "x.CSV") == shape


def test_records_of_parquet_are_read_from_its_footer(tmp_path):
    parquet.write_table(pa.table({"a": [1, 2, 3]}), tmp_path / "x.parquet")

    assert shape_of(tmp_path / "x.parquet", "x.parquet") == {"records": 3}


@pytest.mark.parametrize("name", ["x.json", "x.parquet", "x.csv", "none.csv"])
def test_what_cannot_be_read_has_no_shape(tmp_path, name):
    (tmp_path / "x.json").write_text("{}")
    (tmp_path / "x.parquet").write_text("no parquet")
    (tmp_path / "x.csv").write_bytes(b"\xff\xfe\x00")

    assert shape_of(tmp_path / name, name) == {}
