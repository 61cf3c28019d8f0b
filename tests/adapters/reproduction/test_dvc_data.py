"""Recorded data is laid into the clone, and nowhere else whatever a commit or a remote names."""

import hashlib
import json

import pytest

from handrail.errors import InvalidInput
from handrail.lineage.domain.locked import LockedFile
from handrail.reproduction.adapters.dvc_data import DvcData


@pytest.fixture
def project(tmp_path):
    return tmp_path / "clone"


def cached(project, content, ending=""):
    md5 = hashlib.md5(content).hexdigest() + ending
    file = project / ".dvc" / "cache" / "files" / "md5" / md5[:2] / md5[2:]
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content)
    return md5


def a_folder(project, inner):
    rows = [{"md5": cached(project, b"1"), "relpath": inner}]
    return cached(project, json.dumps(rows).encode(), ".dir")


@pytest.mark.parametrize("path", ["data/raw", "data/../raw"])
def test_a_folder_is_laid_where_it_belongs(project, path):
    file = LockedFile(path, a_folder(project, "2013/01.csv"))

    DvcData().restore(project, file, project / path)

    assert (project / path / "2013" / "01.csv").read_bytes() == b"1"


@pytest.mark.parametrize("inner", ["../../../stolen", "/tmp/stolen", "a/../../stolen"])
def test_a_file_that_climbs_out_of_its_folder_is_refused(project, tmp_path, inner):
    file = LockedFile("data/raw", a_folder(project, inner))

    with pytest.raises(InvalidInput, match="out of its folder"):
        DvcData().restore(project, file, project / file.path)

    assert not list(tmp_path.rglob("stolen"))


@pytest.mark.parametrize("path", ["../stolen", "data/../../stolen"])
def test_an_output_outside_the_project_is_refused(project, tmp_path, path):
    file = LockedFile(path, cached(project, b"1"))

    with pytest.raises(InvalidInput, match="out of its folder"):
        DvcData().restore(project, file, project / path)

    assert not list(tmp_path.rglob("stolen"))
