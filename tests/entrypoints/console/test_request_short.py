"""What a request's page says first of both versions: gain beside loss, what is the same, what no rule judges."""

import pytest

from handrail.entrypoints.console.request_short import short_of
from tests.fakes.approvals_world import World
from tests.fakes.measured_cases import MEASURED, cases_with


@pytest.fixture
def world():
    return World()


@pytest.mark.parametrize(("low", "high", "kind"), [(0.09, 0.16, "warn"), (-0.03, 0.03, "flat")])
def test_what_people_see_of_a_model_is_said_beside_the_ranking(world, low, high, kind):
    found = MEASURED["measures"][1] | {"champion": 0.72, "candidate": 0.85, "delta": 0.126, "low": low, "high": high}
    cases = cases_with(measures=[MEASURED["measures"][0], found])

    said = {each["what"]: each for each in short_of(world.gate.request(world.ask()), [], cases)}
    seen = next(each for what, each in said.items() if what.startswith("What people see"))

    assert said["No clear difference to the champion."]["more"].startswith("ROC-AUC: 0.7434 → 0.7460")
    assert (seen["kind"], seen["more"]) == (kind, "Late flights found: 72 → 85 of 100.")


def _alike(name, value, **more):
    same = {"champion": value, "candidate": value, "delta": 0.0, "low": 0.0, "high": 0.0}
    return MEASURED["measures"][0] | {"name": name, "label": name} | same | more


def _lower_threshold(**changes):
    found = {"champion": 0.24, "candidate": 0.39, "delta": 0.15, "low": 0.1, "high": 0.2}
    right = {"champion": 0.58, "candidate": 0.41, "delta": -0.17, "low": -0.2, "high": -0.1}
    called = {"champion": 0.055, "candidate": 0.126, "delta": 0.071, "low": 0.06, "high": 0.08, "better": "neither"}
    measures = [_alike("roc_auc", 0.746, label="ROC-AUC", about="how well they are ranked; higher is better")]
    measures += [_alike(name, 0.5) | values for name, values in (("found", found), ("right", right))]
    groups = [row | _alike("", 0.7) | {"worse": False} for row in MEASURED["groups"]]
    calls = {"called_champion": 0.05, "right_champion": 0.6, "called_candidate": 0.1, "right_candidate": 0.4}
    groups[1] |= calls | {"label": "carrier UA"}
    groups[0] |= calls | {"called_candidate": 0.2, "label": "departs at 11 h"}
    whole = [*measures, _alike("called", 0.1) | called, _alike("base_rate", 0.132, label="Base rate")]
    return cases_with(measures=whole, groups=groups, silent=[], span=["2013-09-01", "2013-09-30"], **changes)


def test_a_lower_threshold_is_said_as_the_same_ranking_with_gain_and_loss_on_one_base(world):
    rules = [{"measure": "evaluation.roc_auc", "met": True, "unchecked": False, "value": None, "limit": None}]

    said = short_of(world.gate.request(world.ask()), rules, _lower_threshold())

    assert [(each["kind"], each["what"]) for each in said] == [
        ("good", "The one rule of the policy is met."),
        ("flat", "Exactly the same ROC-AUC as the champion."),
        ("warn", "What people see of it changes: some becomes better, some worse."),
        ("warn", "No rule judges this:"),
        ("flat", "ROC-AUC is the same in each of 2 groups."),
    ]


def test_what_differs_is_said_in_the_words_of_the_use_case(world):
    said = short_of(world.gate.request(world.ask()), [], _lower_threshold())

    same = next(each["more"] for each in said if each["what"].startswith("Exactly the same"))
    assert same == "ROC-AUC (how well they are ranked): 0.7460. Only which flights are called late differs."


def test_what_a_rule_judges_is_not_called_unjudged(world):
    names = ("evaluation.found", "comparison.ci_low", "evaluation.right_low", "evaluation.called")
    rules = [{"measure": name, "met": True, "unchecked": True, "value": None, "limit": None} for name in names]

    said = short_of(world.gate.request(world.ask()), rules, _lower_threshold())

    assert "No rule judges this:" not in {each["what"] for each in said}
    assert said[0]["more"] == "4 of them rest on the author’s word alone: nobody checked it."


def test_measures_without_any_difference_are_a_sentence_and_groups_are_ordered_by_wrong_answers(world):
    cases = _lower_threshold()

    assert cases["same"] == ["ROC-AUC 0.7460", "Base rate 0.1320"]
    assert (cases["groups_alike"], [row["label"] for row in cases["groups"]]) == (
        True,
        ["departs at 11 h", "carrier UA"],
    )
    assert cases["about"] == (
        "The server itself scored 26,857 flights of 1 to 30 September 2013, from the file of outcomes that ada handed "
        "in. Intervals: 30 whole days are drawn anew again and again."
    )


def test_two_versions_that_answer_alike_are_said_so_once(world):
    cases = cases_with(measures=[_alike("roc_auc", 0.7), _alike("found", 0.2)], groups=[], silent=[])

    said = short_of(world.gate.request(world.ask()), [], cases)

    assert [each["what"] for each in said] == ["No measure differs at all."]
