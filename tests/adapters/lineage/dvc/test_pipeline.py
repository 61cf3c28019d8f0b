"""Reading a real DVC pipeline: real lock file, real hashes, real commits."""

import json
import os
import shutil
import subprocess
import sys
from datetime import UTC, datetime

import pytest
import yaml

from handrail.errors import InvalidInput, Unavailable
from handrail.lineage.adapters.dvc.pipeline import DvcPipeline
from handrail.lineage.adapters.dvc.project_files import ProjectFiles
from handrail.lineage.domain.pipeline import describe_pipeline, tree_digest

ACQUIRE = """
from pathlib import Path
raw = Path("data/raw/flights"); raw.mkdir(parents=True, exist_ok=True)
for month in ("01", "02"):
    (raw / f"2013-{month}.csv").write_text(f"month {month}")
"""
FEATURES = """
import json
from pathlib import Path
out = Path("data/training"); out.mkdir(parents=True, exist_ok=True)
(out / "train.parquet").write_text("rows " + Path("params.yaml").read_text())
(out / "manifest.json").write_text(json.dumps(
    {"feature_service": {"name": "flights_v1", "spec_hash": "aa"}, "views": {"weather": "bb", "plane": "cc"}}))
Path("data/validation.json").write_text(json.dumps({"stage_inputs": "ab" * 32}))
"""
STAGES = {
    "acquire": {"cmd": f"{sys.executable} steps/acquire.py", "deps": ["steps/acquire.py"], "outs": ["data/raw"]},
    "features": {
        "cmd": f"{sys.executable} steps/features.py",
        "deps": ["steps/features.py", "data/raw"],
        "params": ["seed"],
        "outs": ["data/training"],
        "metrics": [{"data/validation.json": {"cache": False}}],
    },
}


def run(project, *command):
    environment = os.environ | {"DVC_NO_ANALYTICS": "1", "DVC_SITE_CACHE_DIR": str(project / ".dvc" / "site")}
    done = subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.strip()


def commit(project, message):
    run(project, "git", "add", "-A")
    identity = ("-c", "user.name=Tester", "-c", "user.email=tester@example.org")
    run(project, "git", *identity, "commit", "-q", "-m", message)
    return run(project, "git", "rev-parse", "HEAD")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A project after two runs: the first commit made all stages, the second only `features`."""
    project = tmp_path_factory.mktemp("dvc") / "project"
    (project / "steps").mkdir(parents=True)
    (project / "feature_repo").mkdir()
    (project / "feature_repo" / "feature_store.yaml").write_text("project: shop\n")
    (project / "steps" / "acquire.py").write_text(ACQUIRE)
    (project / "steps" / "features.py").write_text(FEATURES)
    (project / "params.yaml").write_text("seed: 0\n")
    (project / "dvc.yaml").write_text(yaml.safe_dump({"stages": STAGES}))
    run(project, "git", "init", "-q")
    dvc = (sys.executable, "-m", "dvc")
    run(project, *dvc, "init", "-q")
    run(project, *dvc, "repro", "-q")
    first = commit(project, "Run once")
    (project / "params.yaml").write_text("seed: 1\n")
    run(project, *dvc, "repro", "-q")
    second = commit(project, "Run again")
    return project, first, second


@pytest.fixture
def project(made, tmp_path):
    """A copy that a test may break, with the first and the second commit."""
    folder, first, second = made
    return shutil.copytree(folder, tmp_path / "project"), first, second


@pytest.fixture
def record(made):
    folder, _, second = made
    return DvcPipeline("shop").read(folder, second)


def stage(record, name):
    return next(stage for stage in record.stages if stage.name == name)


def test_our_hash_of_a_folder_is_dvcs(made, record):
    folder, _, _ = made
    raw = stage(record, "acquire").outputs[0]

    assert raw.md5.endswith(".dir")
    assert ProjectFiles(folder).md5_of("data/raw") == raw.md5
    assert [member.path for member in raw.members] == [
        "data/raw/flights/2013-01.csv",
        "data/raw/flights/2013-02.csv",
    ]
    assert tree_digest(raw.members, "data/raw") == f"sha256:{raw.sha256}"


def test_each_stage_is_of_the_commit_that_recorded_it_first(made, record):
    _, first, second = made

    assert stage(record, "acquire").commit == first
    assert stage(record, "features").commit == second


def test_each_commit_has_the_moment_that_git_reports(made, record):
    folder, *commits = made
    shown = {each: run(folder, "git", "show", "-s", "--format=%cI", each) for each in commits}

    assert {each: at.isoformat() for each, at in record.committed.items()} == {
        each: datetime.fromisoformat(at).astimezone(UTC).isoformat() for each, at in shown.items()
    }


def test_source_files_are_those_of_the_commit_and_outputs_are_none(record):
    assert [(file.path, file.in_commit) for file in stage(record, "features").code] == [("steps/features.py", True)]
    assert [file.path for file in stage(record, "features").inputs] == ["data/raw"]


def test_features_and_validation_are_read_from_what_the_stage_wrote(record):
    features = stage(record, "features")

    assert features.features.service.uri == "feast://shop/feature_service/flights_v1@aa"
    assert [view.name for view in features.features.views] == ["plane", "weather"]
    assert features.features.training_set.path == "data/training"
    assert features.validation.path == "data/validation.json"
    assert features.inputs_fingerprint == "ab" * 32
    assert stage(record, "acquire").inputs_fingerprint is None
    assert json.loads(features.parameters) == {"params.yaml": {"seed": 1}}


def test_reading_twice_gives_the_same_facts(made, record):
    folder, first, second = made

    assert describe_pipeline(DvcPipeline("shop").read(folder, second)) == describe_pipeline(record)
    assert describe_pipeline(DvcPipeline("shop").read(folder, first)) != describe_pipeline(record)


def test_bytes_that_are_not_the_locks_are_named_by_the_lock_alone(project):
    folder, _, second = project
    (folder / "data" / "raw" / "flights" / "2013-01.csv").write_text("other")
    (folder / "data" / "validation.json").unlink()

    record = DvcPipeline("shop").read(folder, second)

    raw = record.artifact("data/raw")
    assert raw.digest.startswith("md5:")
    assert "data/raw/flights/2013-01.csv" not in record.artifacts()
    assert stage(record, "features").validation is None


def test_a_source_file_that_the_commit_holds_otherwise_is_no_proof(project):
    folder, _, _ = project
    (folder / "steps" / "acquire.py").write_text("# changed after the run")
    third = commit(folder, "Change without a run")
    lock = folder / "dvc.lock"
    entry = yaml.safe_load(lock.read_text())
    entry["stages"]["acquire"]["cmd"] += " "
    lock.write_text(yaml.safe_dump(entry))

    record = DvcPipeline("shop").read(folder, third)

    assert stage(record, "acquire").commit == third, "an entry that no commit holds is of the one given"
    assert [file.in_commit for file in stage(record, "acquire").code] == [False]


@pytest.mark.parametrize(
    ("break_it", "error", "words"),
    [
        (lambda folder: (folder / "dvc.lock").unlink(), Unavailable, "dvc repro"),
        (lambda folder: (folder / "dvc.lock").write_text("stages: [1"), InvalidInput, "not a lock file"),
        (lambda folder: (folder / "dvc.lock").write_text("- 1"), InvalidInput, "not a lock file"),
        (lambda folder: (folder / "feature_repo" / "feature_store.yaml").unlink(), InvalidInput, "project"),
    ],
)
def test_what_cannot_be_read_is_one_sentence(project, break_it, error, words):
    folder, _, second = project
    break_it(folder)

    with pytest.raises(error, match=words):
        DvcPipeline("shop").read(folder, second)


@pytest.mark.parametrize("commit_", ["HEAD", "0" * 40, "", "--help"])
def test_a_commit_is_named_by_its_forty_digits(made, commit_):
    with pytest.raises(InvalidInput, match="rev-parse"):
        DvcPipeline("shop").read(made[0], commit_)


def test_a_folder_without_git_is_one_sentence(made, tmp_path):
    shutil.copy(made[0] / "dvc.lock", tmp_path)

    with pytest.raises(InvalidInput, match="not a commit"):
        DvcPipeline("shop").read(tmp_path, made[1])
