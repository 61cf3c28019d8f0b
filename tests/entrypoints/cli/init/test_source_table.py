"""The table of a written project, replaced by one that does not fit: the first stage stops with one sentence."""

import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

from tests.fakes.tables import ROWS, shop, write_csv

HANDRAIL = Path(sys.executable).with_name("handrail")


def _made(place, label, columns):
    write_csv(place / "shop.csv", columns)
    subprocess.run(
        [HANDRAIL, "init", "orders", "--table", "shop.csv", "--label", label],
        cwd=place, stdin=subprocess.DEVNULL, capture_output=True, check=True,
    )  # fmt: skip
    return place / "orders"


@pytest.fixture(scope="module")
def projects(tmp_path_factory):
    """Make a project for a label of each kind that a table can break."""
    colours = shop()["colour"]
    return {
        label: _made(tmp_path_factory.mktemp(label), label, shop() | {"size": [f"{len(each)}.5" for each in colours]})
        for label in ("returned", "colour", "size")
    }


def _acquired(project, table):
    """Run the first stage on another table, and put the project's own back."""
    source = project / "data" / "source" / "table.parquet"
    own = source.read_bytes()
    try:
        source.unlink()
        table.write_parquet(source)
        return subprocess.run(
            [sys.executable, "-m", "flows.steps", "acquire"], cwd=project, capture_output=True, text=True
        )
    finally:
        source.unlink()
        source.write_bytes(own)


BROKEN = {
    "a word for true": (
        "returned", "returned", ["ja"] + ["no"] * (ROWS - 1),
        "'returned' holds 'ja', and config/use_case.yaml describes 'yes' as positive and 'no' as negative. "
        "Write one of them in the table, or rename `positive` or `negative` there.",
    ),
    "a third number": ("returned", "returned", [2] + [0] * (ROWS - 1), "'returned' holds '2', and"),
    "a class": (
        "colour", "colour", ["rouge"] + ["red"] * (ROWS - 1),
        "'colour' holds 'rouge', and config/use_case.yaml describes 'blue', 'green', 'red'. "
        "Write one of them in the table, or add it at the end of label.classes there: codes stay as they are.",
    ),
    "texts for a number": ("size", "size", ["3 cm"] * ROWS, "'size' holds values of type string, and"),
    "a feature of another type": ("returned", "price", ["cheap"] * ROWS, "'price' holds values of type string, and"),
}  # fmt: skip


@pytest.mark.parametrize("case", BROKEN)
def test_a_value_that_is_not_described_is_one_sentence(projects, case):
    project, column, values, sentence = BROKEN[case]
    table = pl.read_parquet(projects[project] / "data" / "source" / "table.parquet")

    done = _acquired(projects[project], table.with_columns(pl.Series(column, values)))

    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert sentence in done.stderr


@pytest.mark.parametrize(
    "written", [["yes", "no"], [1, 0], [1.0, 0.0], [True, False]], ids=["words", "whole", "numbers", "truths"]
)
def test_words_and_digits_are_read_as_the_truths_that_they_mean(projects, written):
    project = projects["returned"]
    table = pl.read_parquet(project / "data" / "source" / "table.parquet")
    truths = table["returned"].to_list()
    values = pl.Series("returned", [written[0] if each else written[1] for each in truths])

    done = _acquired(project, table.with_columns(values))

    assert done.returncode == 0, done.stderr
    raw = pl.concat(pl.read_parquet(file) for file in sorted((project / "data" / "raw").rglob("*.parquet")))
    kept = dict(zip(table["order_id"], truths, strict=True))
    assert raw["returned"].dtype == pl.Boolean
    assert all(
        kept[subject] == value for subject, value in raw.select("order_id", "returned").iter_rows() if value is not None
    )
