"""Bytes on disk against dvc.lock: changed, missing and equal files and folders."""

import hashlib
import shutil

import pytest
import yaml

from handrail.errors import InvalidInput
from handrail.lineage.adapters.dvc.bytes import changed_below, changed_files, projects_at
from handrail.lineage.adapters.dvc.project_files import ProjectFiles
from tests.fakes.dvc_repository import run


@pytest.fixture
def project(tmp_path):
    (tmp_path / "raw").mkdir()
    (tmp_path / "raw" / "a.csv").write_text("1\n")
    (tmp_path / "out.json").write_text("{}")
    outs = [
        {"path": "raw", "md5": ProjectFiles(tmp_path).md5_of("raw")},
        {"path": "out.json", "md5": hashlib.md5(b"{}", usedforsecurity=False).hexdigest()},
    ]
    lock = {"schema": "2.0", "stages": {"acquire": {"cmd": "x", "outs": outs}, "next": {"cmd": "y", "deps": outs[:1]}}}
    (tmp_path / "dvc.lock").write_text(yaml.safe_dump(lock))
    return tmp_path


def kinds(project):
    return [(flaw.kind, flaw.subject) for flaw in changed_files(project)]


def test_bytes_that_are_as_recorded_are_well(project):
    assert kinds(project) == []


def test_changed_added_and_missing_files_are_reported_once(project):
    (project / "raw" / "b.csv").write_text("2\n")
    (project / "out.json").unlink()

    assert kinds(project) == [("bytes-missing", "out.json"), ("bytes-changed", "raw")]


def test_a_project_without_a_lock_has_nothing_to_compare(tmp_path):
    assert kinds(tmp_path) == []


def test_a_broken_lock_is_reported(tmp_path):
    (tmp_path / "dvc.lock").write_text("[")

    with pytest.raises(InvalidInput, match="not a lock file"):
        changed_files(tmp_path)


@pytest.fixture
def repository(tmp_path):
    """A repository with the projects `ml` and `ml/deep`, and one that git ignores; a file of each was changed."""
    top = tmp_path / "top"
    for name in ("ml", "ml/deep", "copies/old"):
        (top / name / ".dvc").mkdir(parents=True)
        (top / name / ".dvc" / "config").write_text("")
        (top / name / "data.csv").write_text("changed")
        (top / name / "data.csv.dvc").write_text(f"outs: [{{path: data.csv, md5: {'f' * 32}, hash: md5}}]")
    (top / ".gitignore").write_text("/copies\n")
    run(top, "git", "init", "-q")
    return top


def test_the_projects_below_a_folder_are_found_as_git_knows_them(repository, project):
    assert projects_at(repository) == ("ml", "ml/deep")
    assert projects_at(repository / "ml") == (".", "deep")
    assert projects_at(project) == (".",)


def test_the_files_of_each_project_below_are_compared_once_and_named_from_the_top(repository):
    found = [(flaw.kind, flaw.subject, flaw.detail.partition(" ")[0]) for flaw in changed_below(repository)]

    assert found == [
        ("bytes-changed", "ml/data.csv", "ml/data.csv.dvc"),
        ("bytes-changed", "ml/deep/data.csv", "ml/deep/data.csv.dvc"),
    ]


def test_a_broken_file_of_a_project_below_is_named_from_the_top(repository):
    (repository / "ml" / "dvc.lock").write_text("[")

    with pytest.raises(InvalidInput, match="^ml/dvc.lock: it is not a lock file"):
        changed_below(repository)


def test_without_git_the_projects_directly_below_are_found(repository):
    shutil.rmtree(repository / ".git")

    assert projects_at(repository) == ("ml",)
    assert projects_at(repository / "copies") == ("old",)
