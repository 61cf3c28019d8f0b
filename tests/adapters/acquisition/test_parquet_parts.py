"""Versions of rows as they came, in files whose names say which."""

from datetime import UTC, datetime, timedelta

import pyarrow.parquet as pq
import pytest

from handrail.acquisition import Column, Page, Table
from handrail.acquisition.adapters.parquet_parts import write_parts
from handrail.acquisition.domain.pages import sift
from handrail.errors import InvalidInput
from tests.fakes.acquisition import RowsInMemory

AT = datetime(2026, 11, 30, 12, tzinfo=UTC)
SHOP = Table("shop", (Column("id", "whole", True), Column("day", "day")), ("id",))


def put(store, *ids, at=AT, table=SHOP):
    store.agree(table, "memory://rows")
    page = Page([{"id": each, "day": "2026-11-30"} for each in ids], None)
    store.append("shop", page, sift(page, table, at), None)


def read(folder):
    return {file.name: pq.read_table(file).to_pylist() for file in sorted(folder.iterdir())}


def test_each_version_is_in_one_file_with_since_when_it_is_known_and_when_it_came(tmp_path):
    store = RowsInMemory()
    put(store, 1, 2, 3)
    put(store, 4, at=AT + timedelta(hours=1))

    assert write_parts(store, SHOP, tmp_path, 3) == 4

    found = read(tmp_path)
    assert {name: [row["id"] for row in rows] for name, rows in found.items()} == {
        "part-00000000.parquet": [1, 2, 3],
        "part-00000001.parquet": [4],
    }
    (row,) = found["part-00000001.parquet"]
    assert row["known_at"] == AT + timedelta(hours=1)
    assert row["came_at"] == AT + timedelta(hours=1, microseconds=1)


def test_a_full_file_is_not_written_again_and_the_last_one_grows(tmp_path):
    store = RowsInMemory()
    put(store, 1, 2, 3, 4)
    write_parts(store, SHOP, tmp_path, 3)
    before = {file.name: file.stat().st_ino for file in tmp_path.iterdir()}
    put(store, 5, 6, 7)

    assert [write_parts(store, SHOP, tmp_path, 3) for _ in range(2)] == [7, 7]

    assert [len(rows) for rows in read(tmp_path).values()] == [3, 3, 1]
    assert (tmp_path / "part-00000000.parquet").stat().st_ino == before["part-00000000.parquet"]


def test_a_table_of_which_nothing_came_is_an_empty_file(tmp_path):
    store = RowsInMemory()

    assert write_parts(store, SHOP, tmp_path / "new") == 0
    assert pq.read_schema(tmp_path / "new" / "part-00000000.parquet").names == ["id", "day", "known_at", "came_at"]


def test_files_of_another_store_are_not_added_to(tmp_path):
    first, second = RowsInMemory(), RowsInMemory()
    put(first, 1, 2)
    put(second, 1, 2, 3, at=AT + timedelta(days=1))
    write_parts(first, SHOP, tmp_path, 2)

    with pytest.raises(InvalidInput, match="not those that were acquired"):
        write_parts(second, SHOP, tmp_path, 2)


def test_what_is_no_file_of_ours_is_refused(tmp_path):
    store = RowsInMemory()
    put(store, 1)
    (tmp_path / "part-00000000.parquet").write_text("no")

    with pytest.raises(InvalidInput, match="no file of an acquired table"):
        write_parts(store, SHOP, tmp_path)


def test_a_column_that_is_called_as_ours_is_refused(tmp_path):
    table = Table("shop", (Column("id", "whole"), Column("came_at", "moment")), ("id",))

    with pytest.raises(InvalidInput, match="a column 'came_at' of its own"):
        write_parts(RowsInMemory(), table, tmp_path)
