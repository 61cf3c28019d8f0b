"""Columns that know the label are found, and honest ones are left alone."""

import numpy as np
import polars as pl
import pytest

from handrail.scaffold.leaks import adding_up, knowing, scores_of, standing_out

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

    assert list(knowing(scores_of(columns, label, kind), kind)) == ["leak"]


def test_unique_texts_know_nothing_of_rows_they_did_not_see():
    unique = {"id": pl.Series("id", [f"r{number}" for number in range(ROWS)])}

    assert knowing(scores_of(unique, BINARY, "binary"), "binary") == {}


def _mostly(label, part, other):
    return pl.Series(np.where(DRAW.random(ROWS) < part, label, other))


COUNT = DRAW.poisson(8, ROWS) * 3.0


@pytest.mark.parametrize(
    ("kind", "label", "leak"),
    [
        ("count", COUNT, _mostly(COUNT, 0.93, np.maximum(COUNT - DRAW.integers(1, 9, ROWS), 0))),
        ("regression", NUMBER, pl.Series(NUMBER + DRAW.normal(0, 0.5, ROWS))),
        ("binary", BINARY, _mostly(BINARY, 0.95, 1 - BINARY)),
        ("multiclass", CLASSES, _mostly(CLASSES, 0.94, DRAW.integers(0, 4, ROWS))),
    ],
)
def test_a_column_that_mostly_equals_the_label_stands_out(kind, label, leak):
    columns = {"honest": pl.Series(HONEST), "leak": leak.alias("leak"), "noise": pl.Series(DRAW.normal(size=ROWS))}
    scores = scores_of(columns, label, kind)

    assert knowing(scores, kind) == {}
    assert list(standing_out(scores, kind)) == ["leak"]


def test_two_leaks_that_are_alike_stand_out_together():
    found = standing_out({"a": 0.95, "hour": 0.4, "b": 0.96}, "count")

    assert found == {
        "b": "R² 0.960 alone, and the next, 'hour', has 0.40",
        "a": "R² 0.950 alone, and the next, 'hour', has 0.40",
    }


@pytest.mark.parametrize("scores", [{"a": 0.7, "b": 0.1}, {"a": 0.85, "b": 0.7, "c": 0.5, "d": 0.3}, {}])
def test_good_features_among_others_do_not_stand_out(scores):
    assert standing_out(scores, "count") == {}


def test_the_only_column_can_stand_out():
    assert standing_out({"a": 0.9}, "count") == {"a": "R² 0.900 alone, and no other column is left"}


def test_parts_that_add_up_to_the_label_are_found():
    first, second = DRAW.poisson(20, ROWS), DRAW.poisson(50, ROWS)
    columns = {"first": pl.Series(first), "second": pl.Series(second), "honest": pl.Series(HONEST)}

    assert adding_up(columns, (first + second).astype(float)) == ("first", "second")
    assert adding_up(columns, NUMBER) == ()
