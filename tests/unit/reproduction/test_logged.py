"""Which stage ran the script that logged a model."""

import json

import pytest

from handrail.errors import UnknownReference
from handrail.lineage import LockedStage
from handrail.reproduction.domain.logged import LoggedRun, stage_that_ran


def stage(name, command="python steps/train.py"):
    return LockedStage(name, name, json.dumps(command), "{}", (), ())


def run(stage="", script=""):
    return LoggedRun("mlflow://t/run/1", "c" * 40, stage, script)


@pytest.mark.parametrize(
    ("said", "found"),
    [
        ("train", "train"),
        ("ml/dvc.yaml:fit", "ml/dvc.yaml:fit"),
        ("fit", "ml/dvc.yaml:fit"),  # DVC was started in its folder
        ("../ml/dvc.yaml:fit", "ml/dvc.yaml:fit"),
        ("train@eu", "train@eu"),
        ("gone", None),
    ],
)
def test_a_run_that_names_its_stage_was_made_in_it(said, found):
    stages = [stage("train"), stage("ml/dvc.yaml:fit"), stage("train@eu"), stage("other", "python other.py")]

    result = stage_that_ran(run(said, "other.py"), stages)

    assert (result.name if result else None) == found


@pytest.mark.parametrize(
    ("command", "script"),
    [
        ("python steps/train.py --fast", "steps/train.py"),
        ("python steps/train.py", "/home/ann/shop/steps/train.py"),
        ("python ./train.py", "/home/ann/shop/steps/train.py"),
        ("cd steps && python train.py", "steps/train.py"),
        ("python -u -m shop.steps.train", "/home/ann/shop/shop/steps/train.py"),
        ("python --module shop", "/home/ann/shop/shop/__main__.py"),
        (["mkdir -p out", "python 'steps/train.py'"], "train.py"),
        ("echo 'unbalanced; python steps/train.py", "steps/train.py"),
        ("python steps/train.py", "steps\\train.py"),
    ],
)
def test_else_the_stage_whose_command_names_the_script(command, script):
    stages = [stage("clean", "python steps/clean.py"), stage("train", command)]

    assert stage_that_ran(run(script=script), stages).name == "train"


@pytest.mark.parametrize("script", ["", "steps/retrain.py", "train", "ipykernel_launcher.py"])
def test_a_script_that_no_stage_names_has_none(script):
    assert stage_that_ran(run(script=script), [stage("train"), stage("empty", "")]) is None


def test_of_two_stages_of_one_name_the_script_decides():
    stages = [stage("a/dvc.yaml:train", "python a.py"), stage("b/dvc.yaml:train", "python b.py")]

    assert stage_that_ran(run("train", "b.py"), stages).name == "b/dvc.yaml:train"


@pytest.mark.parametrize("said", ["", "train"])
def test_several_stages_that_fit_are_named(said):
    stages = [stage("a/dvc.yaml:train"), stage("b/dvc.yaml:train")]

    with pytest.raises(UnknownReference, match="a/dvc.yaml:train, b/dvc.yaml:train fit.*dvc repro"):
        stage_that_ran(run(said, "steps/train.py"), stages)
