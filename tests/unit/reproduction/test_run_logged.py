"""Running a plan again whose model is logged with MLflow, and written by no stage."""

import shutil
from dataclasses import replace

import pytest

from handrail.errors import Unavailable
from handrail.reproduction.domain.logged import TREE_AT, LoggedRun
from handrail.reproduction.domain.recorded import Recorded
from handrail.reproduction.domain.results import Part, Result
from handrail.reproduction.service.plan import Plan
from tests.fakes.reproduction import LOCK, lock_of
from tests.fakes.reproduction_models import write_contents
from tests.fakes.reproduction_world import COMMIT, VERSION, World


class Logging:
    """A world whose package stage logs its model, by default the recorded one and one of another name."""

    def __init__(self, folder, logs=(("other", b"1"), ("toy", b"2.0"))):
        self.world = World(folder)
        self.logs, self.model = logs, {"MLmodel": b"m", "weights.json": b'{"slope": 2.0}'}
        self.world.models.versions[VERSION] = self.model
        self.world.steps["package"] = self.log
        *before, package = self.world.plan.stages
        logged = LoggedRun("mlflow://t/run/1", COMMIT, "package", model="toy")
        write_contents(self.model, folder / "made" / TREE_AT)
        tree = self.world.files.tree_digest(folder / "made", TREE_AT)
        recorded = Recorded(VERSION, tree, TREE_AT, {}, logged=logged)
        stages = (*before, replace(package, outputs=()))
        self.world.commits.commits[COMMIT] |= {LOCK: lock_of(stages)}
        self.world.plan = Plan(recorded, self.world.plan.place, "package", stages)

    def log(self, project):
        for name, slope in self.logs:
            held = self.model | {"weights.json": b'{"slope": ' + slope + b"}"}
            self.world.models.store[f"{len(self.world.models.store)}"] = (name, held)


def test_a_model_that_a_stage_logs_is_compared_with_the_one_that_was_logged(tmp_path):
    case = Logging(tmp_path)
    case.world.models.store["before"] = ("toy", {"weights.json": b'{"slope": 9.0}'})

    found = case.world.run()

    assert found.conclusion.result is Result.REPRODUCED
    assert [(each.stage, each.path) for each in found.compared if each.part is Part.MODEL] == [("package", TREE_AT)]
    assert (found.predictions.rows, found.predictions.max_difference) == (3, 0.0)


def test_another_model_than_was_logged_differs(tmp_path):
    found = Logging(tmp_path, [("toy", b"3.0")]).world.run()

    assert found.conclusion.result is Result.DIFFERS
    assert found.conclusion.first.path == TREE_AT
    assert found.predictions.max_difference == 3.0


def test_of_several_logged_models_of_a_name_the_most_alike_is_compared(tmp_path):
    logs = [("toy", b"3.0"), ("toy", b"2.0"), ("toy", b"4.0")]

    assert Logging(tmp_path, logs).world.run().conclusion.result is Result.REPRODUCED


def test_a_stage_that_logs_nowhere_that_can_be_seen_is_one_sentence(tmp_path):
    with pytest.raises(Unavailable, match="'package': it logged no model in the store of the reproduction.*MLFLOW_TRA"):
        Logging(tmp_path, []).world.run()


def test_other_files_than_the_version_had_are_named_before_anything_runs(tmp_path):
    case = Logging(tmp_path)
    case.world.models.versions[VERSION] = {"MLmodel": b"changed"}

    found = case.world.run()

    assert found.conclusion.first.detail == "MLflow holds another tree than the version has"
    assert case.world.runner.ran == []


def test_a_version_whose_files_are_gone_is_one_sentence(tmp_path):
    case = Logging(tmp_path)
    case.world.models.versions.clear()

    with pytest.raises(Unavailable, match=VERSION):
        case.world.run()


def test_an_interrupted_run_that_has_the_logged_model_does_not_log_it_again(tmp_path):
    case = Logging(tmp_path)
    case.world.run()
    (state,) = case.world.states.values()
    state.finished = None

    assert case.world.run().conclusion.result is Result.REPRODUCED
    assert case.world.runner.ran.count("package") == 1
    shutil.rmtree(tmp_path / "work" / "clone" / TREE_AT)
    assert case.world.run().conclusion.result is Result.REPRODUCED
    assert case.world.runner.ran.count("package") == 2
