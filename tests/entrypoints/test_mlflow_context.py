"""The run context provider: what a run is tagged with, and that it can never hurt `import mlflow` or a fit."""

import hashlib
import os
import subprocess
import sys

import pytest

from handrail.entrypoints.mlflow_context import HandrailRunContext

HEAVY = ("sqlalchemy", "alembic", "prefect", "dvc", "feast", "pydantic", "mlflow", "bentoml")


def git(folder, *arguments):
    identity = ("-c", "user.name=Tester", "-c", "user.email=tester@example.org")
    done = subprocess.run(["git", *identity, *arguments], cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A DVC project in git, standing in a folder below its root."""
    (tmp_path / ".dvc").mkdir()
    (tmp_path / "dvc.lock").write_text("stages: {}\n")
    (tmp_path / "below").mkdir()
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", "-A")
    git(tmp_path, "commit", "-q", "-m", "Begin")
    monkeypatch.chdir(tmp_path / "below")
    monkeypatch.delenv("PREFECT__FLOW_RUN_ID", raising=False)
    return tmp_path


def test_a_run_is_tagged_with_commit_and_lock(project):
    assert HandrailRunContext().in_context()
    assert HandrailRunContext().tags() == {
        "handrail.git_commit": git(project, "rev-parse", "HEAD"),
        "handrail.git_dirty": "false",
        "handrail.dvc_lock_sha256": hashlib.sha256(b"stages: {}\n").hexdigest(),
    }


def test_a_changed_file_makes_it_dirty_and_an_untracked_one_does_not(project):
    (project / "new.txt").write_text("new")
    assert HandrailRunContext().tags()["handrail.git_dirty"] == "false"

    (project / "dvc.lock").write_text("stages: {a: {}}\n")
    assert HandrailRunContext().tags()["handrail.git_dirty"] == "true"


def test_a_worker_hands_its_flow_run_to_the_stages_it_starts(project, monkeypatch):
    monkeypatch.setenv("PREFECT__FLOW_RUN_ID", "run-7")

    assert HandrailRunContext().tags()["handrail.flow_run_id"] == "run-7"


def test_outside_of_git_and_dvc_nothing_is_tagged(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PREFECT__FLOW_RUN_ID", raising=False)

    assert HandrailRunContext().tags() == {}


def test_before_the_first_commit_there_is_no_commit(tmp_path, monkeypatch):
    git(tmp_path, "init", "-q")
    monkeypatch.chdir(tmp_path)

    assert "handrail.git_commit" not in HandrailRunContext().tags()


def test_without_git_on_the_path_a_fit_goes_on(project, monkeypatch):
    monkeypatch.setenv("PATH", "")

    assert set(HandrailRunContext().tags()) == {"handrail.dvc_lock_sha256"}


def test_in_a_removed_folder_a_fit_goes_on(tmp_path, monkeypatch):
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()

    assert HandrailRunContext().tags() == {}


def test_loading_the_provider_imports_nothing_heavy():
    code = "import sys, handrail.entrypoints.mlflow_context; print(*sorted(sys.modules))"

    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()

    assert not {name.partition(".")[0] for name in loaded} & set(HEAVY)


def test_mlflow_loads_both_entry_points_without_a_warning_and_no_store_comes_along(project):
    code = """
import sys, warnings
warnings.simplefilter("error")
warnings.filterwarnings("default", module="(?!mlflow.tracking.context|mlflow.data)")
from mlflow.tracking.context import registry
from mlflow.data.dataset_source_registry import _dataset_source_registry as sources
names = {type(p).__name__ for p in registry._run_context_provider_registry}
assert "HandrailRunContext" in names, names
assert "DvcDatasetSource" in {s.__name__ for s in sources.sources}
assert registry.resolve_tags()["handrail.git_dirty"] == "false"
ours = [m for m in sys.modules if m.startswith("handrail")]
assert not [m for m in ours if "bootstrap" in m or "storage" in m or "lineage" in m], ours
assert not {"prefect", "dvc", "feast", "bentoml"} & set(sys.modules)
"""
    environment = os.environ | {"MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "true"}

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment)

    assert done.returncode == 0, done.stderr
