"""`dvc://` as an MLflow dataset source: pinned by DVC's hash when it is logged, checked when it is loaded."""

import hashlib
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import mlflow
import pytest
from mlflow.data.dataset_source_registry import get_dataset_source_from_json, resolve_dataset_source

from handrail.entrypoints.mlflow.dataset_sources import DvcDatasetSource
from handrail.errors import Conflict, InvalidInput, Unavailable


def run(project, *command):
    environment = os.environ | {"DVC_NO_ANALYTICS": "1", "DVC_SITE_CACHE_DIR": str(project / ".dvc" / "site")}
    done = subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def versioned(tmp_path_factory):
    """A DVC project in git whose data/set has two versions, tagged v1 and v2."""
    project = tmp_path_factory.mktemp("versioned")
    run(project, "git", "init", "-q")
    run(project, sys.executable, "-m", "dvc", "init", "-q")
    (project / "data" / "set").mkdir(parents=True)
    for version in ("v1", "v2"):
        (project / "data" / "set" / "rows.csv").write_text(f"rows of {version}")
        run(project, sys.executable, "-m", "dvc", "add", "-q", "data/set")
        run(project, "git", "add", "-A")
        run(project, "git", "-c", "user.name=T", "-c", "user.email=t@example.org", "commit", "-q", "-m", version)
        run(project, "git", "tag", version)
    return project


@pytest.fixture
def project(versioned, tmp_path, monkeypatch):
    monkeypatch.chdir(versioned)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    yield versioned
    (versioned / "data" / "set" / "rows.csv").write_text("rows of v2")


def test_a_folder_is_pinned_by_dvcs_own_hash(project):
    source = resolve_dataset_source("dvc://data/set")

    assert isinstance(source, DvcDatasetSource)
    assert source.md5 in (project / "data" / "set.dvc").read_text()
    assert len(source.md5) == 36, "MLflow's limit for a digest"
    assert Path(source.load()) == project / "data" / "set"


def test_a_revision_is_pinned_when_it_is_named(project):
    folder, file = resolve_dataset_source("dvc://data/set@v1"), resolve_dataset_source("dvc://data/set/rows.csv@v1")

    assert (
        folder.md5
        == DvcDatasetSource._resolve("dvc://data/set@HEAD~1").md5
        != resolve_dataset_source("dvc://data/set").md5
    )
    assert file.md5 == hashlib.md5(b"rows of v1").hexdigest()
    assert file.known["sha256"] == hashlib.sha256(b"rows of v1").hexdigest()
    assert Path(file.load()).read_text() == "rows of v1"


def test_a_revision_that_git_does_not_know_stays_unpinned(project):
    assert resolve_dataset_source("dvc://data/set@v9").md5 is None


def test_what_is_known_of_a_table_comes_back_from_what_mlflow_keeps(project, tmp_path):
    (project / "data" / "table.csv").write_text("a,b\n1,2\n\n3,4\n")
    source = resolve_dataset_source("dvc://data/table.csv")
    (project / "data" / "table.csv").unlink()

    back = get_dataset_source_from_json(source.to_json(), "dvc")

    assert (back.known["records"], back.known["header"]) == (3, ["a", "b"])
    assert back.to_dict() == source.to_dict()


def test_a_first_record_of_data_is_not_kept(project):
    (project / "data" / "table.csv").write_text("+1 555 0100,1\n+1 555 0101,2\n")
    source = resolve_dataset_source("dvc://data/table.csv")
    (project / "data" / "table.csv").unlink()

    assert "header" not in source.known


def test_what_changed_since_it_was_logged_is_not_loaded(project):
    source = resolve_dataset_source("dvc://data/set/rows.csv")
    (project / "data" / "set" / "rows.csv").write_text("other rows")

    with pytest.raises(Conflict, match=r"rows\.csv"):
        source.load()


def test_another_revision_is_fetched_beside_the_working_tree(project):
    source = resolve_dataset_source("dvc://data/set@v1")

    assert (Path(source.load()) / "rows.csv").read_text() == "rows of v1"
    assert (project / "data" / "set" / "rows.csv").read_text() == "rows of v2"
    assert DvcDatasetSource("data/set/rows.csv", "v1").load().endswith("data/set/rows.csv")


def test_a_revision_with_another_content_is_refused(project):
    with pytest.raises(Conflict):
        DvcDatasetSource("data/set", "v1", resolve_dataset_source("dvc://data/set").md5).load()


def test_a_source_comes_back_from_what_mlflow_keeps(project):
    source = resolve_dataset_source("dvc://data/set/rows.csv")

    back = get_dataset_source_from_json(source.to_json(), source._get_source_type())

    assert (back.uri, back.md5) == ("dvc://data/set/rows.csv", source.md5)


@pytest.mark.parametrize("uri", ["dvc://", "dvc:///etc/passwd", "dvc://a/../../b", "dvc://a b", "dvc://a@b@c"])
def test_what_is_no_dvc_path_is_one_sentence(project, uri):
    with pytest.raises(InvalidInput, match="not a DVC path"):
        DvcDatasetSource._resolve(uri)
    with pytest.raises(InvalidInput, match="not a DVC path"):
        DvcDatasetSource.from_dict({"uri": uri})


def test_a_missing_file_or_revision_is_one_sentence(project):
    with pytest.raises(Unavailable, match="missing"):
        DvcDatasetSource._resolve("dvc://data/none.csv")
    with pytest.raises(Unavailable, match="v9"):
        DvcDatasetSource("data/set", "v9").load()
    with pytest.raises(Unavailable, match="at v1"):
        DvcDatasetSource("data/none.csv", "v1").load()


def test_a_run_keeps_source_and_digest(project, tmp_path, monkeypatch):
    import pandas as pd

    monkeypatch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path / 'mlflow.db'}")
    source = resolve_dataset_source("dvc://data/set/rows.csv")
    data = mlflow.data.from_pandas(pd.DataFrame({"a": [1]}), source=source, digest=source.md5)

    with mlflow.start_run() as active:
        mlflow.log_input(data, context="training")

    (logged,) = mlflow.get_run(active.info.run_id).inputs.dataset_inputs
    assert logged.dataset.digest == source.md5
    assert mlflow.data.get_source(logged).md5 == source.md5
