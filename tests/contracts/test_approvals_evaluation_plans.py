"""`EvaluationPlans`: the same promises by the fake and by config/evaluation.yaml."""

import shutil
from pathlib import Path

import pytest
import yaml

from handrail.approvals.adapters.yaml_evaluations import YamlEvaluations, files_of
from handrail.approvals.domain.evaluation import Prospective
from handrail.errors import Misconfigured, UnknownReference
from tests.fakes.approvals_evidence import FakePlans

CONFIG = Path(__file__).parents[2] / "config"


@pytest.fixture
def project(tmp_path):
    (tmp_path / "config").mkdir()
    shutil.copy(CONFIG / "use_case.yaml", tmp_path / "config")
    write(tmp_path, {"flights": {}})
    return tmp_path


def write(project, models, version=1):
    text = yaml.safe_dump({"version": version, "models": models})
    (project / "config" / "evaluation.yaml").write_text(text)


@pytest.fixture(params=["memory", "yaml"])
def plans(request, project):
    return FakePlans() if request.param == "memory" else YamlEvaluations(files_of(project))


def test_roles_that_confirm_rows_first_are_part_of_the_plan_where_they_are_named(project):
    plans = YamlEvaluations(files_of(project))
    without = plans.plan("flights")
    write(project, {"flights": {"custody": ["ml-engineer", "data-engineer", "ml-engineer"]}})

    plan = plans.plan("flights")

    assert (without.custody, plan.custody) == ((), ("data-engineer", "ml-engineer"))
    assert plan.digest != without.digest


def test_what_is_foretold_is_held_against_the_column_of_the_use_case(project):
    plans = YamlEvaluations(files_of(project))
    without = plans.plan("flights")
    write(project, {"flights": {"prospective": {"least_rows": 7}}})

    plan = plans.plan("flights")

    assert (without.prospective, plan.prospective) == (None, Prospective("arr_known_ts", 7))
    assert plan.digest != without.digest


@pytest.mark.parametrize("custody", [[], ["boss"], "ml-engineer", [1]])
def test_custody_by_nobody_or_an_unknown_role_is_a_mistake(project, custody):
    write(project, {"flights": {"custody": custody}})

    with pytest.raises(Misconfigured, match="custody"):
        YamlEvaluations(files_of(project)).plan("flights")


def test_a_model_that_is_named_has_a_plan(plans):
    plan = plans.plan("flights")

    assert (plan.model, plan.kind, plan.main, plan.margin) == ("flights", "binary", "roc_auc", 0.005)
    assert (plan.columns.label, plan.columns.cluster, plan.columns.subject) == ("late", "day", "flight_id")
    assert {"late", "flight_id"} <= set(plan.columns.withheld)


def test_a_model_that_is_named_has_words_for_people(plans):
    words = plans.wording("flights")

    assert (words.question, words.answers) == ("Will a flight land more than 15 minutes late?", ("late", "punctual"))
    assert (words.many, words.positive, words.called) == ("flights", "landed late", "called late")
    assert words.clusters == "whole days"
    assert words.purpose.endswith(".")


@pytest.mark.parametrize("model", ["Flights", "flights2", ""])
def test_any_other_name_has_none(plans, model):
    for ask in (plans.plan, plans.wording):
        with pytest.raises(UnknownReference, match=f"no model to measure named '{model}'.*flights"):
            ask(model)


def test_without_the_file_no_model_is_measured(project):
    (project / "config" / "evaluation.yaml").unlink()

    with pytest.raises(UnknownReference, match="names no model"):
        YamlEvaluations(files_of(project)).plan("flights")


def test_what_is_known_afterwards_is_withheld_and_keys_reach_the_plan(project):
    keys = {"looks": 3, "least_rows": 7, "metrics": ["brier"], "limits": {"seconds": 5, "megabytes": 512}}
    write(project, {"flights": keys | {"intervals": {"draws": 200, "seed": 9}}})

    plan = YamlEvaluations(files_of(project)).plan("flights")

    assert plan.columns.withheld == ("late", "arr_known_ts", "flight_id")
    assert (plan.looks, plan.least_rows, plan.metrics, plan.draws, plan.seed) == (3, 7, ("brier",), 200, 9)
    assert (plan.seconds, plan.megabytes) == (5, 512)


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({"loks": 3}, "'models.flights.loks' is unknown. Did you mean 'looks'"),
        ({"looks": 0}, "'models.flights.looks' is 0, expected a number from 1 up"),
        ({"metrics": ["mae"]}, "'mae' does not judge a binary label"),
        ({"use_case": "config/none.yaml"}, r"config/none\.yaml: it is missing"),
        ({"snapshots": {"first": "/etc/passwd"}}, "expected a text that fits"),
    ],
)
def test_a_mistake_is_a_sentence_with_its_key(project, keys, words):
    write(project, {"flights": keys})

    with pytest.raises(Misconfigured, match=words):
        YamlEvaluations(files_of(project)).plan("flights")
