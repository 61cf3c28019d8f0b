from __future__ import annotations

from pathlib import Path

import pytest

from flows.steps.modelling.stage_inputs import stage_inputs
from handrail.errors import Misconfigured, Unavailable


def test_the_same_inputs_have_one_fingerprint_wherever_they_lie(project: Path, tmp_path: Path) -> None:
    from tests.fakes.training_project import write_project

    elsewhere = write_project(tmp_path / "elsewhere", rows=600)

    assert stage_inputs(project, "train") == stage_inputs(elsewhere, "train")


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [("params.yaml", "max_iter: 20", "max_iter: 21"), ("data/training/manifest.json", "flights_v1", "flights_v2")],
)
def test_another_parameter_or_content_has_another(project: Path, file: str, old: str, new: str) -> None:
    before = stage_inputs(project, "train")
    text = (project / file).read_text()
    (project / file).write_text(text.replace(old, new))

    assert stage_inputs(project, "train") != before


def test_a_parameter_of_another_stage_changes_nothing(project: Path) -> None:
    before = stage_inputs(project, "train")
    text = (project / "params.yaml").read_text()
    (project / "params.yaml").write_text(text.replace("threshold: 0.4", "threshold: 0.5"))

    assert stage_inputs(project, "train") == before


def test_what_is_missing_is_named(project: Path) -> None:
    with pytest.raises(Misconfigured, match="no stage 'serve'"):
        stage_inputs(project, "serve")
    (project / "dvc.yaml").write_text("stages: {train: {deps: [data/nothing], params: []}}")
    with pytest.raises(Unavailable, match="data/nothing"):
        stage_inputs(project, "train")
    (project / "dvc.yaml").write_text("stages: {train: {params: [model.depth]}}")
    with pytest.raises(Misconfigured, match=r"model\.depth"):
        stage_inputs(project, "train")
