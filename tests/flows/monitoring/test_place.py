from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from flows.steps.monitoring.place import place_of
from flows.steps.project.workspace import committer_environment, git

ROOT = Path(__file__).parents[3]


def test_a_flow_says_its_folder_its_commit_and_its_limits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in committer_environment().items():
        monkeypatch.setenv(name, value)
    shutil.copytree(ROOT / "config", tmp_path / "config")
    git(tmp_path, "init", "--quiet")
    git(tmp_path, "add", "--all")
    git(tmp_path, "commit", "--quiet", "--message", "Begin")
    head = git(tmp_path, "rev-parse", "HEAD")

    assert place_of(tmp_path) == f"Works in {tmp_path} at commit {head[:12]}; limits: ROC-AUC at least 0.7."
