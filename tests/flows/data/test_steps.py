from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from flows.steps.__main__ import main
from tests.fakes.flights_project import ROOT, write_project


@pytest.mark.parametrize("arguments", [[], ["fly"], ["acquire", "validate"]])
def test_misuse_lists_the_stages_and_exits_with_two(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 2
    assert "usage: python -m flows.steps {acquire,validate,features,train,evaluate,package}" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("stage", "changes", "sentence"),
    [
        ("acquire", {"as_of": "soon"}, "acquire: params.yaml: as_of is 'soon', expected an ISO 8601 moment"),
        ("validate", {}, "validate: data/raw/manifest.json: it is missing"),
        ("features", {}, "features: data/validated/flights.parquet: it is missing"),
    ],
)
def test_bad_input_is_one_sentence_and_exit_one(
    tmp_path: Path, stage: str, changes: dict[str, str], sentence: str
) -> None:
    project = write_project(tmp_path / "project", **changes)

    done = _run(project, stage)

    assert done.returncode == 1
    assert done.stderr.startswith(sentence)
    assert len(done.stderr.splitlines()) == 1
    assert "Traceback" not in done.stderr
    assert not (project / "data").exists()


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    project = write_project(tmp_path / "project")
    (project / "data").write_text("in the way", encoding="ascii")

    done = _run(project, "acquire")

    assert done.returncode == 1
    assert f"acquire: {project / 'data'}" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def _run(project: Path, stage: str) -> subprocess.CompletedProcess[str]:
    env = os.environ | {"PYTHONPATH": str(ROOT), "HANDRAIL_HOME": str(project / ".handrail")}
    env.pop("HANDRAIL_PROJECT", None)
    return subprocess.run(
        [sys.executable, "-m", "flows.steps", stage], cwd=project, env=env, capture_output=True, text=True, check=False
    )
