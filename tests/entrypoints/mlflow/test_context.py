"""The run context provider: what a run is tagged with, and that it can never hurt `import mlflow` or a fit."""

import hashlib
import os
import subprocess
import sys

import pytest

from handrail.entrypoints.mlflow.context import HandrailRunContext

HEAVY = ("sqlalchemy", "alembic", "prefect", "dvc", "feast", "pydantic", "mlflow", "bentoml")

PIPELINE = """
stages:
  check: {cmd: check, metrics: [data/checked.json: {cache: false}]}
  train: {cmd: train, outs: [reports/train.json: {cache: false}]}
  draw: {cmd: draw, wdir: below, plots: [reports/own]}
"""


def git(folder, *arguments):
    identity = ("-c", "user.name=Tester", "-c", "user.email=tester@example.org")
    done = subprocess.run(["git", *identity, *arguments], cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A DVC project in git, standing in a folder below its root."""
    (tmp_path / ".dvc").mkdir()
    (tmp_path / "dvc.lock").write_text("stages: {}\n")
    for file in ("below/reports/own/page.json", "code.py", "data/checked.json", "params.yaml", "reports/train.json"):
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).write_text("{}\n")
    (tmp_path / "dvc.yaml").write_text(PIPELINE)
    (tmp_path / "below" / "dvc.lock").write_text("stages: {}\n")
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", "-A")
    git(tmp_path, "commit", "-q", "-m", "Begin")
    monkeypatch.chdir(tmp_path / "below")
    for name in ("PREFECT__FLOW_RUN_ID", "DVC_STAGE"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def test_a_run_is_tagged_with_commit_and_lock(project):
    assert HandrailRunContext().in_context()
    assert HandrailRunContext().tags() == {
        "handrail.git_commit": git(project, "rev-parse", "HEAD"),
        "handrail.git_dirty": "false",
        "handrail.dvc_lock_sha256": hashlib.sha256(b"stages: {}\n").hexdigest(),
    }


@pytest.mark.parametrize(
    ("written", "told", "tag"),
    [
        ("repository: shop\n", None, "shop"),
        ("repository: shop\n", "other", "other"),
        ("environment: local\n", None, None),
        ("repository: [\n", None, None),
        ("- 7\n", None, None),
    ],
)
def test_a_run_says_which_repository_its_commit_is_of(project, monkeypatch, written, told, tag):
    (project / "config").mkdir()
    (project / "config" / "handrail.yaml").write_text(written)
    if told:
        monkeypatch.setenv("HANDRAIL_REPOSITORY", told)

    assert HandrailRunContext().tags().get("handrail.repository") == tag


def test_a_changed_file_makes_it_dirty_and_an_untracked_one_does_not(project):
    (project / "new.txt").write_text("new")
    assert HandrailRunContext().tags()["handrail.git_dirty"] == "false"

    (project / "code.py").write_text("changed = True\n")
    assert HandrailRunContext().tags()["handrail.git_dirty"] == "true"


@pytest.mark.parametrize(
    "file",
    ["dvc.lock", "below/dvc.lock", "reports/train.json", "data/checked.json", "below/reports/own/page.json"],
)
@pytest.mark.parametrize("staged", [False, True])
def test_what_dvc_and_the_stages_write_makes_nothing_dirty(project, file, staged):
    (project / file).write_text("changed\n")
    if staged:
        git(project, "add", file)

    assert HandrailRunContext().tags()["handrail.git_dirty"] == "false"

    (project / "params.yaml").write_text("depth: 2\n")
    assert HandrailRunContext().tags()["handrail.git_dirty"] == "true"


def test_the_lock_has_a_digest_of_its_own(project):
    (project / "dvc.lock").write_text("stages: {a: {}}\n")

    assert HandrailRunContext().tags()["handrail.dvc_lock_sha256"] == hashlib.sha256(b"stages: {a: {}}\n").hexdigest()


@pytest.mark.parametrize("written", ["stages: [", "stages: 7", "- 1", "stages: {a: {outs: [7]}}", "", "a: {b: \0}"])
def test_with_a_pipeline_that_cannot_be_read_a_fit_goes_on(project, written):
    (project / "dvc.yaml").write_text(written)
    git(project, "commit", "-q", "-a", "-m", "Break the pipeline")
    assert HandrailRunContext().tags()["handrail.git_dirty"] == "false"

    (project / "reports" / "train.json").write_text("changed\n")
    assert HandrailRunContext().tags()["handrail.git_dirty"] == "true"


@pytest.fixture
def nested(project):
    """The project with one more pipeline, in a folder of its own below it, and none at its top."""
    inner = project / "ml" / "deep"
    (inner / "reports").mkdir(parents=True)
    (inner / "dvc.yaml").write_text("stages: {a: {cmd: a, wdir: reports, metrics: [own.json: {cache: false}]}}\n")
    (inner / "dvc.lock").write_text("stages: {a: {}}\n")
    (inner / "reports" / "own.json").write_text("{}\n")
    (project / "own.json").write_text("{}\n")
    for name in ("dvc.lock", "dvc.yaml", "below/dvc.lock"):
        (project / name).unlink()
    git(project, "add", "-A")
    git(project, "commit", "-q", "-m", "Add a pipeline below")
    return inner


def test_what_a_pipeline_in_a_subfolder_writes_makes_nothing_dirty(project, nested):
    (nested / "reports" / "own.json").write_text("changed\n")
    assert HandrailRunContext().tags()["handrail.git_dirty"] == "false"

    (project / "own.json").write_text("changed\n")
    assert HandrailRunContext().tags()["handrail.git_dirty"] == "true"


@pytest.mark.parametrize("place", ["ml/deep/reports", "ml/deep", "below", "."])
def test_without_a_lock_at_the_top_the_nearest_or_only_one_is_hashed(project, nested, monkeypatch, place):
    monkeypatch.chdir(project / place)

    assert HandrailRunContext().tags()["handrail.dvc_lock_sha256"] == hashlib.sha256(b"stages: {a: {}}\n").hexdigest()


def test_of_several_locks_elsewhere_none_is_taken(project, nested):
    (project / "other").mkdir()
    (project / "other" / "dvc.lock").write_text("stages: {}\n")
    git(project, "add", "-A")

    assert "handrail.dvc_lock_sha256" not in HandrailRunContext().tags()


def test_an_output_outside_of_the_project_hides_nothing(project):
    (project / "dvc.yaml").write_text("stages: {a: {cmd: a, outs: [., .., ../else, /somewhere]}}\n")
    git(project, "commit", "-q", "-a", "-m", "Write elsewhere")

    (project / "code.py").write_text("changed = True\n")

    assert HandrailRunContext().tags()["handrail.git_dirty"] == "true"


def test_a_project_below_the_root_of_its_repository_sees_every_change_of_it(project, monkeypatch):
    inner = project / "inner"
    (inner / ".dvc").mkdir(parents=True)
    (inner / "dvc.lock").write_text("stages: {}\n")
    git(project, "add", "-A")
    git(project, "commit", "-q", "-m", "Add a project")
    monkeypatch.chdir(inner)

    (inner / "dvc.lock").write_text("stages: {a: {}}\n")
    assert HandrailRunContext().tags()["handrail.git_dirty"] == "false"

    (project / "code.py").write_text("changed = True\n")
    assert HandrailRunContext().tags()["handrail.git_dirty"] == "true"


def test_a_run_in_a_stage_says_which(project, monkeypatch):
    monkeypatch.setenv("DVC_STAGE", "below/dvc.yaml:draw")

    assert HandrailRunContext().tags()["handrail.dvc_stage"] == "below/dvc.yaml:draw"


def test_a_worker_hands_its_flow_run_to_the_stages_it_starts(project, monkeypatch):
    monkeypatch.setenv("PREFECT__FLOW_RUN_ID", "run-7")

    assert HandrailRunContext().tags()["handrail.flow_run_id"] == "run-7"


def test_outside_of_git_and_dvc_nothing_is_tagged(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("PREFECT__FLOW_RUN_ID", "DVC_STAGE"):
        monkeypatch.delenv(name, raising=False)

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
    code = "import sys, handrail.entrypoints.mlflow.context; print(*sorted(sys.modules))"

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
