"""Which labelled rows were foretold: the order of moments, and the score, decide."""

from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from handrail.approvals.adapters.foretelling import NEVER, Foretold, hold_against, known_moments, warm_up_foretold
from handrail.errors import InvalidInput

COUNTS = ("rows", "uncommitted", "overdue", "unequal")


def _file(subjects=("a",), scores=(0.5,), **more):
    file = pa.BufferOutputStream()
    pq.write_table(pa.table({"id": list(subjects), "score": list(scores), **more}), file)
    return file.getvalue().to_pybytes()


def _held(files, known, handed_in=100, subject="a", score=0.5):
    foretold = Foretold("id", files, handed_in)
    return hold_against(foretold, [subject], np.array([known], dtype=np.int64), np.array([score]))[0]


@pytest.mark.parametrize(
    ("at", "known", "handed_in", "counted"),
    [
        (10, 11, 100, "rows"),
        (10, 100, 100, "rows"),
        (10, 10, 100, "overdue"),
        (10, 9, 100, "overdue"),
        (10, 101, 100, "overdue"),
        (10, int(NEVER), 100, "overdue"),
        (100, 101, 100, "uncommitted"),
        (200, 300, 100, "uncommitted"),
    ],
    ids=["in order", "known as it came", "same", "before", "future", "never", "came with it", "came after it"],
)
def test_a_row_counts_if_prediction_outcome_and_rows_came_in_this_order(at, known, handed_in, counted):
    found = _held([(_file(), at)], known, handed_in)

    assert [name for name in COUNTS if found[name]] == [counted]


@pytest.mark.parametrize(
    ("said", "score", "counted"),
    [
        (0.5, 0.5, "rows"),
        (0.5 + 9e-7, 0.5, "rows"),
        (0.5 + 2e-6, 0.5, "unequal"),
        (1000.0005, 1000.0, "rows"),
        (1000.01, 1000.0, "unequal"),
        (float("nan"), 0.5, "uncommitted"),
        (None, 0.5, "uncommitted"),
    ],
)
def test_a_score_other_than_the_models_own_counts_not(said, score, counted):
    found = _held([(_file(scores=[said]), 10)], 50, score=score)

    assert [name for name in COUNTS if found[name]] == [counted]


def test_a_later_file_with_the_right_score_does_not_help_a_late_row():
    early_and_wrong, late_and_right = (_file(scores=[0.9]), 10), (_file(), 60)

    found = _held([early_and_wrong, late_and_right], 50)

    assert found["unequal"] == 1
    assert found["rows"] == 0


def test_whole_numbers_name_subjects_as_text_does():
    assert _held([(_file(subjects=[7]), 10)], 50, subject="7")["rows"] == 1


def test_coverage_is_the_share_of_all_that_was_foretold():
    found = _held([(_file(["a", "b", "c", "d"], [0.5] * 4), 10), (_file(["b"], [0.4]), 20)], 50)

    assert found["coverage"] == 0.25
    assert _held([], 50)["coverage"] == 0.0


@pytest.mark.parametrize("content", [b"PAR1PAR1", b"", _file()[:-9], b"PAR1" + b"\xff" * 100 + b"PAR1"])
def test_a_file_that_is_none_keeps_no_other_from_counting(content):
    found = _held([(content, 5), (_file(), 10)], 50)

    assert (found["rows"], found["unreadable"]) == (1, 1)


def test_a_file_without_the_columns_is_left_out():
    other = pa.BufferOutputStream()
    pq.write_table(pa.table({"id": ["a"], "value": [0.5]}), other)

    found = _held([(other.getvalue().to_pybytes(), 10)], 50)

    assert (found["uncommitted"], found["unreadable"]) == (1, 1)


MOMENT = datetime(2026, 1, 1, 12, tzinfo=UTC)
MICROS = int(MOMENT.timestamp()) * 1_000_000


@pytest.mark.parametrize(
    "column",
    [
        pa.array([MOMENT], pa.timestamp("us", tz="UTC")),
        pa.array([MOMENT], pa.timestamp("ns", tz="UTC")),
        pa.array([MOMENT], pa.timestamp("s", tz="America/New_York")),
        pa.array([MOMENT.replace(tzinfo=None)], pa.timestamp("ms")),
        pa.array(["2026-01-01T12:00:00Z"]),
        pa.array(["2026-01-01T14:00:00+02:00"]),
    ],
)
def test_moments_are_read_in_every_spelling(column):
    assert known_moments(pa.table({"known": column}), "known").tolist() == [MICROS]


def test_a_moment_that_is_missing_is_never():
    table = pa.table({"known": pa.array([None, MOMENT], pa.timestamp("us", tz="UTC"))})

    assert known_moments(table, "known").tolist() == [int(NEVER), MICROS]


@pytest.mark.parametrize("column", [["soon"], [7], [True], [{"a": 1}]])
def test_what_is_no_moment_is_refused(column):
    with pytest.raises(InvalidInput, match="something else than moments"):
        known_moments(pa.table({"known": column}), "known")


def test_rows_that_do_not_say_when_were_known_never():
    assert known_moments(pa.table({"overdue": [1, 2]}), "known").tolist() == [int(NEVER), int(NEVER)]


def test_two_columns_of_moments_are_refused():
    twice = pa.Table.from_arrays([pa.array([1]), pa.array([2])], names=["known", "known"])

    with pytest.raises(InvalidInput, match="no single column 'known'"):
        known_moments(twice, "known")


def test_libraries_can_be_loaded_before_there_is_anything():
    warm_up_foretold("known")


moments = st.integers(0, 20)
said = st.lists(st.tuples(moments, st.sampled_from("ab"), st.sampled_from([0.5, 0.6])), max_size=6)


@given(said, moments, moments)
def test_it_agrees_with_the_sentence_that_defines_it(predictions, known, handed_in):
    files = [(_file([subject], [score]), at) for at, subject, score in predictions]

    found = _held(files, known, handed_in)

    expected = any(
        at < known <= handed_in and at < handed_in and (subject, score) == ("a", 0.5)
        for at, subject, score in predictions
    )
    assert found["rows"] == expected
    assert sum(found[name] for name in COUNTS) == 1
