"""Files that do not agree on a column's type: each value comes out as it is, or is refused with file and value."""

import math
from contextlib import nullcontext
from datetime import UTC, date, datetime
from decimal import Decimal

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from feast.types import Array, Bool, Bytes, Float32, Float64, Int32, Int64, Json, String, UnixTimestamp

from handrail.errors import InvalidInput
from tests.entrypoints.feast.offline_store.drifting import values_of, write_files

NOON = datetime(2026, 1, 1, 12)
FAR = datetime(9999, 12, 31)


def _dictionary(values):
    return pa.array(values).dictionary_encode()


@pytest.mark.parametrize(
    ("files", "declared", "values", "kind"),
    [
        ([pa.array([1]), pa.array([2.0, None])], Int64, [1, 2, None], pa.int64()),
        ([pa.array([2.0, math.nan]), pa.array([1])], Int64, [2, None, 1], pa.int64()),
        ([pa.array([1]), pa.array([2.5])], Float64, [1.0, 2.5], pa.float64()),
        ([pa.array([1], pa.int32()), pa.array([2])], Int64, [1, 2], pa.int64()),
        ([pa.array([1]), pa.array([2], pa.int32())], Int32, [1, 2], pa.int32()),
        ([pa.array([2**40]), pa.array([2])], Int32, [2**40, 2], pa.int64()),
        ([pa.array([7]), pa.array([8])], String, [7, 8], pa.int64()),
        ([pa.array(["x"]), pa.array(["y"])], Int64, ["x", "y"], pa.string()),
        ([pa.array(["x"], pa.large_string())], None, ["x"], pa.string()),
        ([pa.array([1.5], pa.float32()), pa.array([0.1])], Float32, [1.5, 0.1], pa.float64()),
        ([pa.array([1.5], pa.float32()), pa.array([1], pa.int8())], Float32, [1.5, 1.0], pa.float32()),
        ([_dictionary(["a"]), pa.array(["b"])], String, ["a", "b"], pa.string()),
        ([pa.array(["b"], pa.large_string()), _dictionary(["a"])], String, ["b", "a"], pa.string()),
        ([pa.array(["07"]), pa.array([8])], String, ["07", "8"], pa.string()),
        ([pa.array([8]), pa.array(["9"])], Int64, [8, 9], pa.int64()),
        ([pa.array([b"raw"]), pa.array(["text"])], String, ["raw", "text"], pa.string()),
        ([pa.array(["text"]), pa.array([b"\xff"])], Bytes, [b"text", b"\xff"], pa.binary()),
        ([pa.array([True]), pa.array([0])], Bool, [True, False], pa.bool_()),
        ([pa.nulls(1), pa.array([5])], Int64, [None, 5], pa.int64()),
        ([pa.nulls(1), pa.array(["x"])], String, [None, "x"], pa.string()),
        ([pa.array(["x"]), None], String, ["x", None], pa.string()),
        ([None, pa.array([[1.0]])], Array(Float64), [None, [1.0]], pa.list_(pa.float64())),
        ([pa.nulls(1), pa.nulls(1)], Float32, [None, None], pa.float32()),
        ([pa.array([[]], pa.list_(pa.null())), pa.array([["x"]])], Array(String), [[], ["x"]], pa.list_(pa.string())),
        ([pa.array([[1]], pa.list_(pa.int32())), pa.array([[2]])], Array(Int64), [[1], [2]], pa.list_(pa.int64())),
        (
            [pa.array([Decimal("1.20")], pa.decimal128(10, 2)), pa.array([Decimal("1.2345")], pa.decimal128(20, 4))],
            None,
            [Decimal("1.2000"), Decimal("1.2345")],
            pa.decimal128(20, 4),
        ),
        ([pa.array([Decimal("0.10")], pa.decimal128(10, 2)), pa.array([2])], Float64, [0.1, 2.0], pa.float64()),
        ([pa.array([Decimal("37251529.55")], pa.decimal128(10, 2))] * 2, Float64, [37251529.55] * 2, pa.float64()),
        ([pa.array(['{"a": 1}']), pa.array(["{}"], pa.large_string())], Json, ['{"a": 1}', "{}"], pa.large_string()),
    ],
)
def test_values_of_many_types_come_out_in_one(tmp_path, files, declared, values, kind):
    write_files(tmp_path, files)

    column = values_of(tmp_path, declared)

    assert (column.type, column.to_pylist()) == (kind, values)


@pytest.mark.parametrize("first", [0, 1])
@pytest.mark.parametrize(
    ("one", "other", "kind"),
    [
        (pa.timestamp("us"), pa.timestamp("ns"), pa.timestamp("ns")),
        (pa.timestamp("ms"), pa.timestamp("us"), pa.timestamp("us")),
        (pa.timestamp("ms", "UTC"), pa.timestamp("us", "Europe/Berlin"), pa.timestamp("us", "UTC")),
        (pa.timestamp("us"), pa.timestamp("us", "UTC"), pa.timestamp("us", "UTC")),
        (pa.date32(), pa.timestamp("us"), pa.timestamp("us")),
    ],
)
def test_times_of_many_units_and_zones_are_the_same_moments(tmp_path, first, one, other, kind):
    at = [datetime(2026, 1, 1), datetime(2026, 1, 2)]
    arrays = [pa.array([at[i]], pa.timestamp("us")).cast(own) for i, own in enumerate((one, other))]
    write_files(tmp_path, [arrays[first], arrays[1 - first]])

    column = values_of(tmp_path, UnixTimestamp)

    assert column.type == kind
    moments = column.cast(pa.timestamp("ns", "UTC") if column.type.tz else pa.timestamp("ns"))
    assert [moment.value for moment in moments] == [
        int((at[i] - datetime(1970, 1, 1)).total_seconds()) * 10**9 for i in (first, 1 - first)
    ]


@pytest.mark.parametrize(
    ("good", "bad", "declared", "value"),
    [
        (pa.array([1], pa.int32()), pa.array([2**40]), Int32, "1099511627776"),
        (pa.array([1]), pa.array([1.5]), Int64, "1.5"),
        (pa.array([1]), pa.array([math.inf]), Int64, "inf"),
        (pa.array([1]), pa.array([1e19]), Int64, "1e"),
        (pa.array([1]), pa.array([2**64 - 1], pa.uint64()), Int64, "18446744073709551615"),
        (pa.array([0.5]), pa.array([2**53 + 1]), Float64, "9007199254740993"),
        (pa.array([0.5]), pa.array([2**63 - 512]), Float64, "9223372036854775296"),
        (pa.array([1]), pa.array(["007"]), Int64, "'007'"),
        (pa.array([1]), pa.array(["many"]), Int64, "'many'"),
        (pa.array([True]), pa.array([2]), Bool, "2"),
        (pa.array([[1]], pa.list_(pa.int32())), pa.array([[2**40]]), Array(Int32), "1099511627776"),
        (pa.array([0.5]), pa.array([Decimal("12345678901234567890.12")]), Float64, "12345678901234567890.12"),
        (pa.array([NOON], pa.timestamp("ns")), pa.array([FAR], pa.timestamp("us")), UnixTimestamp, "9999"),
    ],
)
@pytest.mark.parametrize("order", [1, -1])
def test_a_value_that_would_change_is_refused_with_its_file(tmp_path, good, bad, declared, value, order):
    write_files(tmp_path, [good, bad][::order])
    where = 1 if order == 1 else 0

    with pytest.raises(InvalidInput, match=rf"'w': its file {tmp_path}/part-{where} .*{value}.*column 'v'"):
        values_of(tmp_path, declared)


@pytest.mark.parametrize(
    ("one", "other", "declared"),
    [
        (pa.array([1]), pa.array([[1]]), Int64),
        (pa.array([1.5]), pa.array(["a"]), String),
        (pa.array([NOON]), pa.array([1]), UnixTimestamp),
        (pa.array([{"a": 1}]), pa.array([{"b": 1}]), None),
    ],
)
def test_types_that_nothing_fits_are_refused_with_both_files(tmp_path, one, other, declared):
    write_files(tmp_path, [one, other])

    with pytest.raises(InvalidInput, match=r"'w'.*column 'v'.*part-0.*part-1"):
        values_of(tmp_path, declared)


def test_rows_keep_the_order_of_files_that_change_their_type_again_and_again(tmp_path):
    write_files(tmp_path, [pa.array([i], [pa.int32(), pa.int64(), pa.float64()][i % 3]) for i in range(10)])

    assert values_of(tmp_path, Int64).to_pylist() == list(range(10))


def test_a_file_without_rows_has_no_say(tmp_path):
    write_files(tmp_path, [pa.array([], pa.float64()), pa.array([[1]]), pa.array([], pa.string())])

    assert values_of(tmp_path, None).type == pa.list_(pa.int64())


def test_a_required_column_may_not_be_missing_in_a_file(tmp_path):
    write_files(tmp_path, [pa.array([1]), None])

    with pytest.raises(InvalidInput, match=r"'w': its file .*part-1 has no column 'v'"):
        values_of(tmp_path, Int64, required=["v"])


@pytest.mark.parametrize(
    ("declared", "texts", "values"),
    [
        (String, ["007", None], ["007", None]),
        (Int64, ["007", "-1"], [7, -1]),
        (Float64, ["1.5", "2"], [1.5, 2.0]),
        (Bool, ["true", "False"], [True, False]),
        (None, ["2020", "2021"], [2020, 2021]),
        (None, ["01", "2"], ["01", "2"]),
        (None, ["2026-01-01", None], [date(2026, 1, 1), None]),
        (
            UnixTimestamp,
            ["2026-01-01 12%3A00%3A00", "2026-01-02"],
            [NOON.replace(tzinfo=UTC), datetime(2026, 1, 2, tzinfo=UTC)],
        ),
    ],
)
def test_the_declared_type_decides_what_a_folder_name_means(tmp_path, declared, texts, values):
    for number, text in enumerate(texts):
        folder = tmp_path / f"{number}" / f"v={'__HIVE_DEFAULT_PARTITION__' if text is None else text}"
        folder.mkdir(parents=True)
        pq.write_table(pa.table({"row": [number]}), folder / "a")

    assert values_of(tmp_path, declared).to_pylist() == values


@pytest.mark.parametrize(("declared", "text"), [(Int64, "north"), (Int32, "3000000000"), (Bool, "maybe"), (Int64, "")])
def test_a_folder_name_that_is_no_value_of_the_type_is_refused(tmp_path, declared, text):
    (tmp_path / f"v={text}").mkdir()
    pq.write_table(pa.table({"row": [1]}), tmp_path / f"v={text}" / "a")

    with pytest.raises(InvalidInput, match=rf"'w': the folder v={text} above .* is no value"):
        values_of(tmp_path, declared)


def test_a_folder_name_wins_over_a_column_of_the_file(tmp_path):
    (tmp_path / "v=7").mkdir()
    write_files(tmp_path / "v=7", [pa.array([1])])

    assert values_of(tmp_path, Int64).to_pylist() == [7]


def test_a_renamed_column_hides_one_that_has_its_new_name(tmp_path):
    pq.write_table(pa.table({"raw": [1], "v": ["x"]}), tmp_path / "a")
    pq.write_table(pa.table({"v": [2]}), tmp_path / "b")

    assert values_of(tmp_path, Int64, renamed={"raw": "v"}).to_pylist() == [1, 2]


def test_old_times_of_96_bits_do_not_wrap_around(tmp_path):
    times = pa.array([FAR, NOON], pa.timestamp("us"))
    pq.write_table(pa.table({"v": times}), tmp_path / "a", use_deprecated_int96_timestamps=True, store_schema=False)

    old = int(pl.__version__.partition(".")[0]) < 2
    with pytest.raises(InvalidInput, match="Install Polars 2") if old else nullcontext():
        assert values_of(tmp_path, UnixTimestamp).to_pylist() == [FAR, NOON]


@pytest.mark.parametrize("content", [b"a,b\n1,2\n", b"PAR1", b"PARE and more PARE", b"PAR1 broken footer PAR1"])
def test_a_file_that_is_no_parquet_is_refused_by_its_name(tmp_path, content):
    write_files(tmp_path, [pa.array([1])])
    (tmp_path / "notes.csv").write_bytes(content)

    with pytest.raises(InvalidInput, match=rf"'w': its file {tmp_path}/notes.csv cannot be read as parquet"):
        values_of(tmp_path, Int64)
