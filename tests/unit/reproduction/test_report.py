"""What a reproduction says to a gate."""

from dataclasses import replace

import pytest

from handrail.reproduction import Conclusion, Grade, Part, Predictions, Result, report_of
from handrail.reproduction.domain.results import Compared
from tests.fakes.reproduction_world import World


@pytest.fixture
def found(tmp_path):
    return World(tmp_path).run()


def _unequal(found, grade):
    other = Compared("train", Part.MODEL, "models/net", "a", "b", grade)
    return replace(found, compared=(*found.compared, other), conclusion=Conclusion(Result.EQUAL_IN_EFFECT, other))


def test_a_reproduction_whose_bytes_are_equal_has_nothing_unequal(found):
    report = report_of(found, {"handrail": "1"})

    assert report["unequal"] == 0
    assert report["equal"] == len(found.compared) + (found.predictions is not None) > 1
    assert report["tree_digest"] == found.plan.recorded.tree
    assert (report["commit"], report["versions"]) == (found.plan.place.commit, {"handrail": "1"})


@pytest.mark.parametrize("grade", [Grade.WITHIN, Grade.DIFFERS])
def test_what_is_only_near_is_unequal(found, grade):
    assert report_of(_unequal(found, grade), {})["unequal"] == 1


@pytest.mark.parametrize(("far", "labels"), [(1e-300, 0), (0.0, 1), (float("nan"), 0)])
def test_answers_that_differ_at_all_are_unequal(found, far, labels):
    answered = replace(found, predictions=Predictions(4, "rows", far, labels))

    assert report_of(answered, {})["unequal"] == 1


def test_the_report_is_the_same_without_answers(found):
    silent = report_of(replace(found, predictions=None), {})

    assert (silent["unequal"], silent["equal"]) == (0, len(found.compared))
