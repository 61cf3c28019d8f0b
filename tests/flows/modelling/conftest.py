from __future__ import annotations

import os
from pathlib import Path

import pytest

from flows.steps.stages import run_stage
from tests.fakes.training_project import write_project

# Before scikit-learn loads OpenMP, as the stages do it: waiting threads sleep.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project whose last three stages ran once, logged to the local store below `home`. Read it only."""
    project = write_project(tmp_path_factory.mktemp("trained") / "project")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HANDRAIL_PROJECT", str(project))
        patch.setenv("HANDRAIL_HOME", str(project.parent / "home"))
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        for stage in ("train", "evaluate", "package"):
            run_stage(stage, project)
    return project


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project of its own, not trained, whose stages find no MLflow."""
    folder = write_project(tmp_path / "project", rows=600)
    monkeypatch.setenv("HANDRAIL_PROJECT", str(folder))
    monkeypatch.setenv("HANDRAIL_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:1")
    return folder


@pytest.fixture
def local_store(trained: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The store that the stages of `trained` logged to, named as they name it."""
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.setenv("HANDRAIL_PROJECT", str(trained))
    monkeypatch.setenv("HANDRAIL_HOME", str(trained.parent / "home"))
    return f"sqlite:///{trained.parent / 'home' / 'mlflow' / 'local.db'}"
