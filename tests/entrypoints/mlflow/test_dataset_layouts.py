"""`dvc://` in layouts of DVC projects: what is logged is what lineage records, and any revision can be loaded."""

import tempfile
from pathlib import Path

import pytest

from handrail.bootstrap.lineage import find_commit, path_artifact
from handrail.lineage.adapters.dvc.pipeline import DvcPipeline
from handrail.mlflow import DvcDatasetSource
from handrail.settings import Settings
from tests.fakes.dvc_layouts import make_layout

DATA = {
    "working_folder": "etl/clean.csv",
    "subfolders": "train/model.txt",
    "before_version_3": "set",
    "subdirectory": "clean.csv",
    "shared_cache": "set",
    "ignored_files": "part/set",
    "imported": "taken.csv",
}


@pytest.fixture(params=DATA)
def layout(request, tmp_path, monkeypatch):
    """A project, and a path of its data."""
    monkeypatch.setenv("DVC_SITE_CACHE_DIR", str(tmp_path / "site"))
    monkeypatch.setenv("DVC_NO_ANALYTICS", "1")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    project = make_layout(request.param, tmp_path / "made" / "project")
    monkeypatch.chdir(project)
    return project, DATA[request.param]


def test_a_source_has_the_name_that_lineage_records(layout):
    project, path = layout
    recorded = DvcPipeline("shop").read(project, find_commit(project)).artifact(path)

    source, before = DvcDatasetSource._resolve(f"dvc://{path}"), DvcDatasetSource._resolve(f"dvc://{path}@HEAD")

    settings = Settings(project=project, home=project / ".handrail", repository="shop")
    assert source.md5 == before.md5 == recorded.attributes["md5"]
    assert path_artifact(settings, project, path) == recorded
    assert Path(source.load()) == project / path


def test_a_revision_is_loaded_beside_the_project(layout):
    project, path = layout

    found = Path(DvcDatasetSource._resolve(f"dvc://{path}@HEAD").load())

    assert not found.is_relative_to(project)
    names = {file.relative_to(found) for file in found.rglob("*") if file.is_file()}
    assert names <= {file.relative_to(project / path) for file in (project / path).rglob("*")}
    assert all((found / name).read_bytes() == (project / path / name).read_bytes() for name in names or {Path()})
