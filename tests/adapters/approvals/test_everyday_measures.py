"""What people read about measures and groups, for any kind of label, with and without everyday words."""

from pathlib import Path

import pytest

from handrail.approvals.adapters.everyday_measures import groupings_of, measures_of, wording_of
from handrail.approvals.domain.cases import Grouping
from handrail.errors import Misconfigured
from handrail.statistics import METRICS_OF
from handrail.use_case import UseCase, read_use_case
from tests.fakes.labelled_orders import SIZES, description

ROOT = Path(__file__).parents[3]


def _case(kind, **changes):
    return UseCase.model_validate(description(kind) | changes)


def test_a_project_says_how_its_answers_are_called():
    case = read_use_case(ROOT)

    measures = {measure.name: measure for measure in measures_of(case, ["roc_auc", "brier"])}

    assert list(measures) == ["roc_auc", "found", "right", "called", "brier"]
    assert (measures["found"].label, measures["found"].unit) == ("Late flights found", "share")
    assert measures["found"].about == "of the flights that landed late, the share called late beforehand"
    assert measures["right"].about == "of the flights called late, the share that landed late"
    assert (measures["called"].label, measures["called"].better) == ("Flights called late", "neither")
    assert measures["roc_auc"].about.startswith("how well flights that landed late are ranked")
    assert measures["brier"].about.endswith("lower is better")


@pytest.mark.parametrize(
    ("kind", "changes", "answers", "unit", "called"),
    [
        ("binary", {}, ("returned", "kept"), "", "called returned"),
        ("multiclass", {}, tuple(SIZES), "", "called positive"),
        ("regression", {}, (), "grams", "called positive"),
    ],
)
def test_the_answers_of_each_kind_have_words(kind, changes, answers, unit, called):
    case = _case(kind, **changes)

    words = wording_of(case)

    assert (words.answers, words.unit, words.called) == (answers, unit, called)
    assert (words.question, words.purpose) == (case.question, "")
    assert (words.one, words.many) == (case.subject.one, case.subject.many)


def test_what_is_drawn_for_intervals_is_named():
    assert wording_of(_case("binary")).clusters == "whole days"
    assert wording_of(_case("binary", cluster="shop")).clusters == "groups of one shop"


def test_without_words_the_metrics_own_names_are_used():
    measures = {measure.name: measure.label for measure in measures_of(_case("binary"), ["roc_auc"])}

    assert measures == {
        "roc_auc": "ROC-AUC",
        "found": "Recall",
        "right": "Precision",
        "called": "Orders called returned",
    }


@pytest.mark.parametrize("kind", METRICS_OF)
def test_each_metric_of_each_kind_has_words_and_a_side(kind):
    case, known = _case(kind), METRICS_OF[kind]

    measures = {measure.name: measure for measure in measures_of(case, [metric.name for metric in known])}

    assert next(iter(measures)) == case.metrics.main
    for metric in known:
        said = measures[metric.name]
        assert said.better == metric.better
        assert said.about
        assert "{" not in said.about


def test_each_class_is_found_and_right():
    names = [measure.name for measure in measures_of(_case("multiclass"), ["accuracy"])]

    assert names == ["accuracy", "found_0", "right_0", "found_1", "right_1", "found_2", "right_2"]


def test_of_very_many_classes_none_is_looked_at_alone():
    label = description("multiclass")["label"] | {"classes": [f"class {number}" for number in range(40)]}

    assert [measure.name for measure in measures_of(_case("multiclass", label=label), ["accuracy"])] == ["accuracy"]


def test_numbers_always_have_their_error_and_its_unit():
    measures = {measure.name: measure.unit for measure in measures_of(_case("count"), ["poisson_deviance"])}

    assert measures == {"poisson_deviance": "", "mae": "items", "bias": "items"}


def test_slices_become_groupings():
    groups = {"hour": {"column": "minute", "per": 60, "words": "at {value} h", "others": "at any other hour"}}
    case = _case("binary", slices=["shop", "hour"], groups=groups)

    assert groupings_of(case, "config/use_case.yaml", 20) == (
        Grouping("shop", "shop", "shop {value}", "shop: all others"),
        Grouping("hour", "minute", "at {value} h", "at any other hour", 60.0),
    )


def test_too_many_slices_are_refused():
    case = _case("binary", slices=[f"s{number}" for number in range(21)])

    with pytest.raises(Misconfigured, match=r"use_case\.yaml: 'slices' has 21 names"):
        groupings_of(case, "config/use_case.yaml", 20)
