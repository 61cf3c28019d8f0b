"""`handrail reproduce` of models that a script logs with MLflow's log_model, and no stage writes."""

import json
import os
import sqlite3
import sys

import pytest

from tests.fakes import logging_project as logging
from tests.fakes import reproducible_project as toy


@pytest.fixture(scope="session")
def logged(tmp_path_factory):
    """The project after one run in a stage, its lock committed; version 1 is registered."""
    project = logging.make_project(tmp_path_factory.mktemp("logging") / "project")
    logging.train(project)
    toy.commit(project, "Record the run")
    assert logging.register(project) == "1"
    return project


@pytest.fixture
def project(logged, monkeypatch):
    """The project itself, standing in it as its own shell would: later versions leave the first one as it is."""
    for name in list(os.environ):
        if name.startswith(("HANDRAIL_", "MLFLOW_", "DVC_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", logging.store_of(logged))
    monkeypatch.chdir(logged)
    return logged


def models_of(project):
    file = logging.store_of(project).removeprefix("sqlite:///")
    with sqlite3.connect(file) as store:
        (count,) = store.execute("select count(*) from logged_models").fetchone()
    return count


def test_the_stage_runs_again_and_logs_into_a_store_of_the_reproduction(project, command):
    before = models_of(project)

    code, out, err = command("toys/1", "--json")

    found = json.loads(out)
    grades = {each["path"]: (each["part"], each["grade"]) for each in found["compared"]}
    assert (code, found["verdict"]) == (0, "equal in effect"), err
    assert found["stages"] == ["train"]
    assert grades["reports/train.json"] == ("metrics", "equal")
    assert grades[".logged-model"][0] == "model"
    assert (found["predictions"]["rows"], found["predictions"]["max_difference"]) == (4, 0)
    assert models_of(project) == before


def test_a_model_that_comes_out_otherwise_differs(project, command):
    logging.write_script(project, "+ __import__('time').time_ns() % 997")
    toy.commit(project, "Add luck")
    logging.train(project)
    toy.commit(project, "Record the run")
    number = logging.register(project)

    code, out, _ = command(f"toys/{number}", "--json")

    found = json.loads(out)
    assert (code, found["verdict"]) == (1, "differs")
    assert any(reason.startswith("predictions differ by up to") for reason in found["reasons"])


def test_a_script_that_ran_outside_of_dvc_is_found_in_the_command_of_its_stage(project, command):
    logging.train(project, sys.executable, str(project / "steps" / "train.py"))
    number = logging.register(project)

    code, out, err = command(f"toys/{number}", "--dry-run", "--json")

    assert (code, json.loads(out)["stages"]) == (0, ["train"]), err
