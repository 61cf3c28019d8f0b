"""Columns that know the label are found, and honest ones are left alone."""

import numpy as np
import polars as pl
import pytest

from handrail.scaffold.leaks import adding_up, knowing

ROWS = 2_000
DRAW = np.random.default_rng(1)
HONEST = DRAW.normal(size=ROWS)
BINARY = (DRAW.random(ROWS) < 1 / (1 + np.exp(-2 * HONEST))).astype(float)
CLASSES = DRAW.integers(0, 4, ROWS).astype(float)
NUMBER = HONEST * 3 + DRAW.normal(size=ROWS)


@pytest.mark.parametrize(
    ("kind", "label", "leak"),
    [
        ("binary", BINARY, pl.Series(BINARY * 2 + DRAW.normal(0, 0.01, ROWS))),
        ("binary", BINARY, pl.Series(np.where(BINARY, "refunded", None).tolist())),
        ("binary", 1 - BINARY, pl.Series(BINARY.astype(bool))),
        ("multiclass", CLASSES, pl.Series([f"c{int(each)}" for each in CLASSES])),
        ("regression", NUMBER, pl.Series(NUMBER * 100 - 3)),
        ("regression", NUMBER, pl.Series(np.exp(NUMBER / 5))),
    ],
)
def test_a_column_that_knows_the_label_is_found(kind, label, leak):
    columns = {"honest": pl.Series(HONEST), "leak": leak.alias("leak")}

    assert list(knowing(columns, label, kind)) == ["leak"]


def test_unique_texts_know_nothing_of_rows_they_did_not_see():
    assert knowing({"id": pl.Series("id", [f"r{number}" for number in range(ROWS)])}, BINARY, "binary") == {}


def test_parts_that_add_up_to_the_label_are_found():
    first, second = DRAW.poisson(20, ROWS), DRAW.poisson(50, ROWS)
    columns = {"first": pl.Series(first), "second": pl.Series(second), "honest": pl.Series(HONEST)}

    assert adding_up(columns, (first + second).astype(float)) == ("first", "second")
    assert adding_up(columns, NUMBER) == ()
