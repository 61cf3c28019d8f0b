"""By how much files differ, in words."""

import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from handrail.reproduction.adapters.file_differences import FileDifferences
from handrail.reproduction.domain.results import Grade

pytestmark = pytest.mark.any_version


@pytest.fixture
def compare(tmp_path):
    def call(name, one, other, tolerance=1e-9):
        files = tmp_path / "one" / name, tmp_path / "other" / name
        for file, content in zip(files, (one, other), strict=True):
            file.parent.mkdir(exist_ok=True)
            if isinstance(content, bytes):
                file.write_bytes(content)
            else:
                pq.write_table(pa.table(content), file)
        return FileDifferences().compare(*files, tolerance)

    return call


def test_equal_bytes_are_equal(compare):
    assert compare("a.bin", b"\x00" * 3_000_000, b"\x00" * 3_000_000) == (Grade.BYTES, "")


def test_a_binary_file_differs_from_a_byte_on(compare):
    assert compare("a.bin", b"\xff\x00a", b"\xff\x00b") == (Grade.DIFFERS, "from byte 2 on")
    assert compare("a.bin", b"\xff", b"\xff\x00\xff") == (Grade.DIFFERS, "from byte 1 on, 3 bytes instead of 1")


def test_a_text_differs_at_a_line(compare):
    assert compare("a.txt", b"same\nfoo\n", b"same\nbar\n") == (Grade.DIFFERS, "line 2 is 'bar' instead of 'foo'")
    assert compare("a.txt", b"same\n", b"same\nmore\n") == (Grade.DIFFERS, "line 2 is 'more' instead of missing")
    assert compare("a.txt", b"same\n", b"same\r\n")[1] == "its line ends differ"


def test_json_is_compared_by_numbers(compare):
    one, near, far = (json.dumps({"auc": value}).encode() for value in (0.5, 0.5 + 1e-12, 0.6))

    assert compare("a.json", one, near) == (Grade.WITHIN, "auc differs by 1e-12")
    assert compare("a.json", one, far) == (Grade.DIFFERS, "auc differs by 0.1")
    assert compare("a.json", one, b"{") == (Grade.DIFFERS, "from byte 1 on, 1 bytes instead of 12")


@pytest.mark.parametrize(
    ("other", "words"),
    [
        ({"a": [1, 2], "b": [0.5, None]}, "2 rows instead of 3"),
        ({"a": [1, 2, 3]}, "the column 'b' is on one side only"),
        ({"a": [1, 2, 3], "b": [0.5, None, 0.75]}, "1 of 2 columns differ: b (1 values, by up to 0.25)"),
        ({"a": ["1", "2", "3"], "b": [0.5, None, 1.0]}, "1 of 2 columns differ: a (string instead of int64)"),
    ],
)
def test_tables_are_compared_by_rows_and_columns(compare, other, words):
    assert compare("a.parquet", {"a": [1, 2, 3], "b": [0.5, None, 1.0]}, other) == (Grade.DIFFERS, words)


def test_a_table_that_is_written_otherwise_says_so(compare, tmp_path):
    table = pa.table({"a": [1.0, float("nan")]})
    files = tmp_path / "a.parquet", tmp_path / "b.parquet"
    pq.write_table(table, files[0])
    pq.write_table(table, files[1], compression="zstd")

    told = "the same 2 rows and 1 columns, written otherwise"
    assert FileDifferences().compare(*files, 0.0) == (Grade.WITHIN, told)
    assert compare("broken.parquet", b"x", b"y")[0] is Grade.DIFFERS


MODEL = b"artifact_path: a\nrun_id: 1\nflavors: {sklearn: {code: null}}\nmodel_size_bytes: 5\n"


@pytest.mark.parametrize(
    ("other", "grade", "detail"),
    [
        (
            MODEL.replace(b"run_id: 1", b"run_id: 2\nmodel_uuid: m"),
            Grade.WITHIN,
            "only what MLflow makes anew for each model: model_uuid, run_id",
        ),
        (MODEL.replace(b": 5", b":  5"), Grade.WITHIN, "only what MLflow makes anew for each model: its layout"),
        (MODEL.replace(b"bytes: 5", b"bytes: 6"), Grade.DIFFERS, "line 4 is 'model_size_bytes: 6' instead of"),
        (b"[", Grade.DIFFERS, "line 1 is '['"),
        (b"- 1", Grade.DIFFERS, "line 1 is '- 1'"),
    ],
)
def test_an_mlmodel_file_is_compared_without_the_ids_of_its_run(compare, other, grade, detail):
    found, words = compare("MLmodel", MODEL, other)

    assert (found, words.startswith(detail)) == (grade, True), words
