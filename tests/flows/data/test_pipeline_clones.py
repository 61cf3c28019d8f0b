"""The first three stages as DVC runs them, in two checkouts that know nothing of each other."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
import yaml

from tests.fakes.flights_project import FORTNIGHT, ROOT, change_params

STAGES = ("acquire", "validate", "features")
TRACKED = (".dvc/.gitignore", ".dvc/config", ".dvcignore", ".gitignore", "dvc.yaml", "params.yaml")


@pytest.fixture(scope="module")
def checkouts(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Two repositories of the same files in folders of different depth, each reproduced once."""
    folders = [tmp_path_factory.mktemp("a") / "project", tmp_path_factory.mktemp("b") / "deeper" / "down" / "here"]
    for folder in folders:
        _checkout(folder)
    running = [_start(folder, "repro", STAGES[-1]) for folder in folders]
    said = [process.communicate(timeout=400) for process in running]
    assert [process.returncode for process in running] == [0, 0], said
    return folders


def _checkout(folder: Path) -> None:
    for name in TRACKED:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, folder / name)
    for name in ("config", "feature_repo", "flows"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    change_params(folder, FORTNIGHT)
    for arguments in (
        ["init", "-q"],
        ["add", "."],
        ["-c", "user.name=t", "-c", "user.email=t@t", "commit", "-qm", "t"],
    ):
        subprocess.run(["git", *arguments], cwd=folder, check=True)


def _start(folder: Path, *arguments: str) -> subprocess.Popen[str]:
    own = {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "HANDRAIL_HOME": str(folder / ".handrail"),
        "HANDRAIL_PROJECT": str(folder),
        "DVC_SITE_CACHE_DIR": str(folder / ".handrail" / "dvc-site"),
        "DVC_NO_ANALYTICS": "1",
    }
    command = [sys.executable, "-m", "dvc", *arguments]
    return subprocess.Popen(
        command, cwd=folder, env=os.environ | own, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )


def _dvc(folder: Path, arguments: Sequence[str]) -> str:
    process = _start(folder, *arguments)
    out, err = process.communicate(timeout=200)
    assert process.returncode == 0, out + err
    return out


def test_two_clones_give_the_same_lock_and_it_names_no_place(checkouts: list[Path]) -> None:
    one, other = (folder / "dvc.lock" for folder in checkouts)

    assert one.read_bytes() == other.read_bytes()
    assert str(checkouts[0].parent).encode() not in one.read_bytes()


def test_a_second_run_has_nothing_to_do(checkouts: list[Path]) -> None:
    said = _dvc(checkouts[0], ["repro", STAGES[-1]])

    assert "Data and pipelines are up to date." in said
    assert all(f"Stage '{stage}' didn't change, skipping" in said for stage in STAGES)


def test_a_parameter_of_the_model_leaves_the_data_stages_alone(checkouts: list[Path]) -> None:
    change_params(checkouts[1], {"model": {"max_iter": 3}})

    said = _dvc(checkouts[1], ["status", *STAGES])

    assert "Data and pipelines are up to date." in said


def test_the_checkout_holds_nothing_untracked_but_lock_and_evidence(checkouts: list[Path]) -> None:
    said = subprocess.run(
        ["git", "status", "--porcelain", "-uall"], cwd=checkouts[0], check=True, capture_output=True, text=True
    )

    assert said.stdout.splitlines() == ["?? data/validation.json", "?? dvc.lock"]


def test_each_stage_names_every_module_of_ours_that_it_imports() -> None:
    """A module that is missing from the deps would let DVC restore what other code made."""
    stages = yaml.safe_load((ROOT / "dvc.yaml").read_text(encoding="utf-8"))["stages"]
    lazily = {"features": ["feature_repo.definitions", "feature_repo.project_store", "feature_repo.store"]}
    left_out = {"flows/steps/params.py", "feature_repo/online.py"}

    for stage in STAGES:
        loaded = _modules_of_ours([f"flows.steps.{stage}", *lazily.get(stage, [])])
        assert loaded - left_out <= set(stages[stage]["deps"]), stage


def _modules_of_ours(names: Sequence[str]) -> set[str]:
    code = f"import sys, {', '.join(names)}\nprint(*[getattr(m, '__file__', '') or '' for m in sys.modules.values()])"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True, text=True)
    files = {Path(name) for name in done.stdout.split()}
    return {
        file.relative_to(ROOT).as_posix()
        for file in files
        if file.is_relative_to(ROOT / "flows") or file.is_relative_to(ROOT / "feature_repo")
    }
