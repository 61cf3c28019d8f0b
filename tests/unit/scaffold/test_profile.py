"""A table in parts: what is counted and written of many small parts is what is there of one large one."""

import polars as pl
import pytest

from handrail.errors import InvalidInput
from handrail.scaffold import reading
from handrail.scaffold.profile import ROW, first_duplicate, profiled
from handrail.scaffold.reading import read_table
from handrail.scaffold.types import types_of
from tests.fakes.tables import ROWS, shop, write_csv

CELLS = 60


@pytest.fixture
def small_parts(monkeypatch):
    monkeypatch.setattr(reading, "CELLS", CELLS)


@pytest.fixture
def understood(tmp_path):
    """Profile a table as `handrail init` does, in a folder whose name is a pattern."""

    def do(columns, name="some[thing]*"):
        place = tmp_path / name
        place.mkdir()
        table = read_table(write_csv(place / "t.csv", columns), place, lambda _: None)
        return profiled(table, types_of(table, "UTC"), "returned", "UTC", place)

    return do


def test_parts_hold_each_row_once_in_order_and_few_cells(understood, small_parts):
    table = understood(shop()).table

    parts = [(before, part.collect()) for before, part in table.parts()]

    assert len(parts) > 5
    assert all(part.height * part.width <= CELLS for _, part in parts)
    assert [before for before, _ in parts] == [sum(part.height for _, part in parts[:n]) for n in range(len(parts))]
    assert pl.concat(part for _, part in parts).equals(table.scan().collect())


def test_small_parts_say_what_one_part_says(understood, monkeypatch):
    columns = shop() | {"returned": ["" if n % 7 == 0 else each for n, each in enumerate(shop()["returned"])]}
    whole = understood(columns)

    monkeypatch.setattr(reading, "CELLS", CELLS)
    parted = understood(columns, "other")

    assert len(list(parted.meant.iterdir())) > len(list(whole.meant.iterdir())) == 1
    assert parted.frame().collect().equals(whole.frame().collect())
    assert (parted.rows, parted.unlabelled, parted.columns) == (whole.rows, whole.unlabelled, whole.columns)
    assert parted.frame().select(pl.col(ROW).max()).collect().item() == ROWS - 1


def test_a_misfit_in_a_later_part_is_found_with_its_row(understood, small_parts):
    with pytest.raises(InvalidInput, match="row 399 is 'high'"):
        understood(shop() | {"price": ["1.5"] * 398 + ["high", "1.5"]})


def test_a_duplicate_in_another_part_is_found_with_its_row(understood, small_parts):
    found = understood(shop() | {"order id": [f"o{n}" for n in range(ROWS - 1)] + ["o3"]})

    assert first_duplicate(found, "order id") == ("o3", ROWS)
