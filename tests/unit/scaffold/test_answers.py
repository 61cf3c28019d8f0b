"""What kind a label of numbers is, and which few rows decide it."""

import pytest

from handrail.errors import InvalidInput
from handrail.scaffold.answers import understand_label
from handrail.scaffold.options import Options, take_guesses
from handrail.scaffold.profile import profiled
from handrail.scaffold.reading import read_table
from handrail.scaffold.types import types_of
from tests.fakes.tables import ROWS, shop, write_csv

COUNTS = [str(number % 37) for number in range(ROWS)]


@pytest.fixture
def understood(tmp_path):
    def do(counts, kind=None):
        table = read_table(write_csv(tmp_path / "t.csv", shop() | {"calls": counts}), tmp_path, lambda _: None)
        profiles = profiled(table, types_of(table, "UTC"), "calls", "UTC", tmp_path)
        return understand_label(profiles, Options(label="calls", kind=kind), take_guesses)

    return do


def _with(**changes):
    return [changes.get(f"row_{number}", count) for number, count in enumerate(COUNTS, 1)]


def test_whole_numbers_from_0_on_are_a_count(understood):
    answers, notes = understood(COUNTS)

    assert answers.kind == "count"
    assert len(notes) == 1


@pytest.mark.parametrize("value", ["-4", "3.5"])
def test_the_one_value_that_makes_a_count_a_regression_is_named(understood, value):
    answers, notes = understood(_with(row_7=value))

    assert answers.kind == "regression"
    assert notes[1] == (
        f"'calls' is {value} in row 7; in all other rows it is a whole number from 0 on. If that is a mistake, correct "
        "it: the label is a count then, and --kind count says so."
    )


def test_numbers_that_are_no_counts_need_no_word(understood):
    answers, notes = understood([f"{number / 8:.3f}" for number in range(ROWS)])

    assert answers.kind == "regression"
    assert len(notes) == 1


def test_a_count_is_refused_with_the_first_row_that_is_none(understood):
    with pytest.raises(InvalidInput) as refusal:
        understood(_with(row_7="-4", row_9="-1"), kind="count")

    assert str(refusal.value) == (
        "--kind: a count needs whole numbers from 0 on, and 'calls' is -4 in row 7, and no count in 1 more. Correct "
        "that, or write regression."
    )


def test_counts_that_are_written_with_a_point_may_be_a_count(understood):
    answers, _ = understood([f"{count}.0" for count in COUNTS], kind="count")

    assert answers.kind == "count"
