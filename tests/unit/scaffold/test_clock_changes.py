"""What the clock of a zone skipped or showed twice is counted, and defined."""

from datetime import UTC, datetime

import polars as pl
import pytest

from handrail.scaffold.clock_changes import clock_changes
from handrail.scaffold.reading import read_table
from handrail.scaffold.types import types_of
from tests.fakes.tables import ROWS, shop, write_csv

SPRING = ["2024-03-31 00:00", "2024-03-31 01:00", "2024-03-31 01:30", "2024-03-31 02:00"]
AUTUMN = ["2024-10-27 00:30", "2024-10-27 01:30", "2024-10-27 02:30"]


@pytest.fixture
def said(tmp_path):
    def of(moments, zone="Europe/London"):
        filled = [*moments, *["2024-06-01 12:00"] * (ROWS - len(moments))]
        table = read_table(write_csv(tmp_path / "t.csv", shop() | {"slot": filled}), tmp_path, lambda _: None)
        readings = {name: each.reading for name, each in types_of(table, zone).items()}
        moment = readings["slot"].convert(pl.col("slot"), zone).alias("slot")
        return clock_changes(table, readings, zone, ["slot"]), table.scan().select(moment).head(len(moments)).collect()

    return of


def test_a_skipped_hour_is_counted_and_is_an_hour_later(said):
    notes, read = said(SPRING)

    assert notes == [
        "'slot': in hours that the clock of Europe/London skipped lie 2 rows, such as 2024-03-31 01:00, taken an hour "
        "later. Otherwise: write offsets, or another --zone."
    ]
    assert read["slot"].to_list() == [datetime(2024, 3, 31, *at, tzinfo=UTC) for at in ((0,), (1,), (1, 30), (1,))]


def test_an_hour_that_was_there_twice_is_counted_and_is_the_earlier_one(said):
    notes, read = said(AUTUMN)

    assert notes == [
        "'slot': in hours that the clock of Europe/London showed twice lie 1 row, taken as the earlier one. "
        "Otherwise: write offsets, or another --zone."
    ]
    assert read["slot"][1] == datetime(2024, 10, 27, 0, 30, tzinfo=UTC)


def test_both_are_one_line(said):
    (note,) = said(SPRING + AUTUMN)[0]

    assert "skipped lie 2 rows" in note
    assert "; in hours that it showed twice lie 1 row, taken" in note


@pytest.mark.parametrize(
    ("moments", "zone"),
    [
        (SPRING + AUTUMN, "UTC"),
        (["2024-03-31 01:00Z", "2024-10-27 01:30+01:00"] * 200, "Europe/London"),
        (["2024-06-01 01:00"], "Europe/London"),
    ],
)
def test_moments_that_are_clear_need_no_word(said, moments, zone):
    assert said(moments, zone)[0] == []
