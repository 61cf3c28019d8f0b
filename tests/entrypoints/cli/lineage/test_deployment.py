"""`handrail lineage deployment`: predictions of a service that is no bento lead back to their model."""

import json
import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest

from handrail.bootstrap import open_platform
from handrail.bootstrap.approvals import tree_digest
from handrail.feedback import Prediction
from handrail.refs import ModelVersion, TrackingRun
from tests.fakes.command import handrail_command

CONFIG = Path(__file__).resolve().parents[4] / "config"
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
SERVICE = "deploy://production/espresso/7"
EARLIER = "deploy://production/espresso/6"


@pytest.fixture
def tree(tmp_path):
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "MLmodel").write_text("flavors: {}")
    return folder


@pytest.fixture
def project(tmp_path, monkeypatch, tree):
    """Two registered versions of a model, the third one from a known run, and a prediction of a plain service."""
    shutil.copytree(CONFIG, tmp_path / "config")
    monkeypatch.setenv("HANDRAIL_PROJECT", str(tmp_path))
    monkeypatch.setenv("HANDRAIL_HOME", str(tmp_path / ".handrail"))
    with open_platform() as platform:
        for number in (2, 3):
            platform.lineage.record_registration(
                ModelVersion("m", "espresso", 1, number),
                tree_digest=tree_digest(tree) if number == 3 else "sha256:" + "2" * 64,
                run=TrackingRun("m", f"run{number}"),
            )
        platform.feedback.record_predictions([Prediction("p1", SERVICE, "cup-1", NOON, 0.5, 1)])
    return tmp_path


@pytest.fixture
def handrail(project, monkeypatch, capsys):
    return handrail_command(monkeypatch, capsys, "lineage")


def test_a_prediction_of_an_unknown_service_names_the_command_that_helps(handrail):
    code, _, error = handrail("trace", "p1")

    assert code == 1
    assert f"no deployment named '{SERVICE}'" in error
    assert f"handrail lineage deployment {SERVICE} --serves models:/NAME/VERSION." in error


def test_a_recorded_service_leads_its_predictions_to_the_run(handrail):
    code, out, _ = handrail("deployment", SERVICE, "--serves", "espresso/3")
    hops = json.loads(handrail("trace", "p1", "--json")[1])["edges"]

    assert (code, out) == (0, f"{SERVICE} serves mlflow://m/registered/espresso/1/3.\n")
    assert any(hop["cause"] == "mlflow://m/run/run3" for hop in hops)
    [first] = [hop for hop in hops if hop["effect"] == SERVICE]
    assert not first["proven"]
    assert "deployment-without-bento" not in handrail("check")[1]


def test_the_files_that_were_loaded_are_recorded_with_the_hop(handrail, tree):
    handrail("deployment", SERVICE, "--serves", "espresso/3")
    code, out, _ = handrail("deployment", SERVICE, "--serves", "espresso/3", "--files", tree)
    again = handrail("deployment", SERVICE, "--serves", "espresso/3")[0]
    hops = json.loads(handrail("trace", "p1", "--json")[1])["edges"]

    assert (code, again) == (0, 0)
    assert tree_digest(tree) in out
    assert {hop["cause"].partition("://")[0] for hop in hops if hop["effect"] == SERVICE} == {"mlflow", "tree"}
    assert "other-tree-than-the-model" not in handrail("check")[1]


def test_other_files_than_those_of_the_version_are_a_flaw(handrail, tree):
    (tree / "MLmodel").write_text("flavors: {other: {}}")
    handrail("deployment", SERVICE, "--serves", "espresso/3", "--files", tree)

    code, out, _ = handrail("check")

    assert code == 1
    assert "other-tree-than-the-model" in out


def test_the_slot_of_the_service_has_a_timeline(handrail):
    handrail("deployment", EARLIER, "--serves", "espresso/2")
    handrail("deployment", SERVICE, "--serves", "espresso/3")
    handrail("deployment", SERVICE, "--serves", "espresso/3")

    periods = json.loads(handrail("timeline", "deploy://production/espresso", "--json")[1])

    assert [period["target"] for period in periods] == [EARLIER, SERVICE]


def test_recording_an_earlier_deployment_again_says_that_the_service_went_back(handrail):
    for uri, version in ((EARLIER, 2), (SERVICE, 3), (EARLIER, 2)):
        assert handrail("deployment", uri, "--serves", f"espresso/{version}")[0] == 0

    periods = json.loads(handrail("timeline", "deploy://production/espresso", "--json")[1])

    assert [period["target"] for period in periods] == [EARLIER, SERVICE, EARLIER]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("espresso", "--serves", "espresso/3"), "'espresso' names none. Write it as deploy://"),
        ((SERVICE, "--serves", "espresso/9"), "no prediction, version or project path named 'espresso/9'"),
        ((SERVICE, "--serves", "mlflow://m/run/run3"), "no model version named 'mlflow://m/run/run3'"),
        ((SERVICE, "--serves", "espresso/3", "--files", "nowhere"), "nowhere"),
    ],
)
def test_a_wrong_word_is_one_sentence_and_records_nothing(handrail, words, sentence):
    code, _, error = handrail("deployment", *words)

    assert code == 1
    assert sentence in error
    assert handrail("trace", "p1")[0] == 1


def test_another_model_of_the_same_deployment_is_refused(handrail):
    handrail("deployment", SERVICE, "--serves", "espresso/3")

    code, _, error = handrail("deployment", SERVICE, "--serves", "espresso/2")

    assert code == 1
    assert "Give a new rollout a new deployment id." in error
