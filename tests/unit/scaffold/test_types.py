"""What texts mean: numbers, truths and moments as people write them, and text where a number would lose something."""

from datetime import UTC, datetime

import polars as pl
import pytest

from handrail.errors import InvalidInput
from handrail.scaffold.reading import read_table
from handrail.scaffold.types import types_of
from tests.fakes.tables import as_csv

ROWS = 300
DAY = datetime(2020, 1, 2, tzinfo=UTC)


@pytest.fixture
def read(tmp_path):
    """Write columns as CSV; return how they are read and what they hold then."""

    def do(columns, zone="UTC", separator=",", **options):
        (tmp_path / "t.csv").write_text(as_csv(columns, separator), encoding="utf-8")
        table = read_table(tmp_path / "t.csv", tmp_path, lambda _: None)
        typed = types_of(table, zone, **options)
        values = table.scan().select(
            each.reading.convert(pl.col(name), zone).alias(name) for name, each in typed.items()
        )
        return typed, values.collect()

    return do


@pytest.mark.parametrize(
    ("values", "type_", "last"),
    [
        (["1", "+2", "-3"], "whole", -3),
        (["1", "", "NA", "?", "-", "None", "4"], "whole", 4),
        (["1.5", ".5", "2.", "1e-5"], "number", 1e-5),
        (["00501", "10001"], "text", "10001"),
        (["Yes", "no"], "truth", False),
        (["T", "F"], "truth", False),
        (["F", "N"], "text", "N"),
        (["1,234.5", "12,000"], "number", 12000.0),
        (["2020-01-02"], "moment", DAY),
        (["2020-01-02T03:04:05.5Z", "2020-01-02 00:00"], "moment", DAY),
        (["2020-01-02T05:00:00+05:00", "2020-01-01 19:00:00-0500", "2020-01-02T00:00Z"], "moment", DAY),
        (["31.12.2020", "02.01.2020 00:00"], "moment", DAY),
        (["12/31/2020", "1/2/2020"], "moment", DAY),
        (["31/12/2020", "2/1/2020 12:00 AM"], "moment", DAY),
        (["2020/01/02"], "moment", DAY),
        (["None", "none", "some"], "text", "some"),
        (["1A", "2", "3", "4"], "text", "4"),
        (["1_000", "2_000"], "text", "2_000"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_column_is_read_as_what_it_holds(read, values, type_, last):
    column = (values * ROWS)[: ROWS // len(values) * len(values)]

    typed, found = read({"a": column, "b": ["x"] * len(column)})

    assert typed["a"].reading.type == type_
    assert found["a"][-1] == last


def test_a_decimal_comma_is_named(read):
    typed, found = read({"a": ["1,234", "1.000,5"] * ROWS, "b": ["x"] * 2 * ROWS}, separator=";")

    assert typed["a"].reading.says == "its numbers have a decimal comma"
    assert found["a"].to_list()[:2] == [1.234, 1000.5]


def test_local_times_are_of_the_zone_also_where_a_clock_is_put_forward(read):
    _, found = read({"a": ["2020-01-02 12:00", "2020-03-29 02:30"] * ROWS, "b": ["x"] * 2 * ROWS}, "Europe/Berlin")

    assert found["a"].to_list()[:2] == [
        datetime(2020, 1, 2, 11, tzinfo=UTC), datetime(2020, 3, 29, 1, 30, tzinfo=UTC)
    ]  # fmt: skip


@pytest.mark.parametrize(("good", "bad"), [("1.5", "high"), ("2020-01-02", "2020-13-45"), ("7", "7 kg")])
def test_a_rare_misfit_is_named_with_its_row(read, good, bad):
    with pytest.raises(InvalidInput) as caught:
        read({"a": [good] * ROWS + [bad] + [good], "b": ["x"] * (ROWS + 2)})

    assert f"row {ROWS + 1} is {bad!r}" in str(caught.value)
    assert "--text" in str(caught.value)


def test_a_column_that_is_declared_text_stays_text(read):
    typed, found = read({"a": ["1"] * ROWS + ["x"], "b": ["7"] * (ROWS + 1)}, as_text=["a"])

    assert typed["a"].reading.type == "text"
    assert found["a"][-1] == "x"


def test_columns_of_a_parquet_file_keep_their_types(tmp_path):
    frame = pl.DataFrame(
        {
            "whole": pl.Series([1] * ROWS, dtype=pl.UInt8),
            "number": [1.5, float("nan"), float("inf")] * (ROWS // 3),
            "day": [DAY.date()] * ROWS,
            "when": pl.Series([DAY] * ROWS).dt.convert_time_zone("Asia/Tokyo"),
            "truth": [True] * ROWS,
            "class": pl.Series(["x", "y", "z"] * (ROWS // 3), dtype=pl.Categorical),
            "many": [[1, 2]] * ROWS,
        }
    )
    frame.write_parquet(tmp_path / "t.parquet")

    table = read_table(tmp_path / "t.parquet", tmp_path, lambda _: None)
    typed = types_of(table, "UTC")

    assert [each.reading.type for each in typed.values()] == [
        "whole", "number", "moment", "moment", "truth", "text", "text"
    ]  # fmt: skip
    assert "list" in typed["many"].skipped
    numbers = table.scan().select(typed["number"].reading.convert(pl.col("number"), "UTC")).collect()["number"]
    assert numbers.null_count() == 2 * ROWS // 3
