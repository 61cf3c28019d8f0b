"""When a model counts as reproduced."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handrail.reproduction.domain.results import Compared, Grade, Part, Predictions, Result, conclude


def compared(part, grade, path="x"):
    return Compared("stage", part, path, "a", "b", grade)


def answers(far=0.0, labels=0):
    return Predictions(10, "rows", far, labels)


@pytest.mark.parametrize(
    ("found", "predictions", "result"),
    [
        ([], None, Result.REPRODUCED),
        ([(Part.DATA, Grade.BYTES)], answers(), Result.REPRODUCED),
        ([(Part.DATA, Grade.BYTES)], answers(1e-3), Result.DIFFERS),
        ([(Part.METRICS, Grade.WITHIN)], None, Result.EQUAL_IN_EFFECT),
        ([(Part.MODEL, Grade.DIFFERS)], answers(1e-12), Result.EQUAL_IN_EFFECT),
        ([(Part.MODEL, Grade.DIFFERS)], answers(labels=1), Result.DIFFERS),
        ([(Part.MODEL, Grade.DIFFERS)], None, Result.DIFFERS),
        ([(Part.METRICS, Grade.DIFFERS)], answers(), Result.DIFFERS),
        ([(Part.CODE, Grade.DIFFERS)], answers(), Result.DIFFERS),
        ([(Part.PARAMETERS, Grade.DIFFERS)], answers(), Result.DIFFERS),
        ([(Part.INPUT, Grade.DIFFERS)], answers(), Result.DIFFERS),
    ],
)
def test_the_result(found, predictions, result):
    concluded = conclude([compared(*each) for each in found], predictions, 1e-9)

    assert concluded.result is result
    assert bool(concluded.reasons) is (result is Result.DIFFERS)


def test_answers_that_differ_by_the_tolerance_itself_agree():
    assert answers(1e-9).agree(1e-9)
    assert not answers(math.nextafter(1e-9, 1)).agree(1e-9)
    assert not answers(0.0, labels=1).agree(1e-9)


@given(st.lists(st.tuples(st.sampled_from(Part), st.sampled_from(Grade)), max_size=6))
def test_the_first_difference_is_the_first_that_is_not_within_tolerance(found):
    things = [compared(part, grade, str(place)) for place, (part, grade) in enumerate(found)]

    first = conclude(things, answers(), 1e-9).first

    grades = [grade for _, grade in found]
    worst = next((grade for grade in (Grade.DIFFERS, Grade.WITHIN) if grade in grades), None)
    assert first == (things[grades.index(worst)] if worst else None)
