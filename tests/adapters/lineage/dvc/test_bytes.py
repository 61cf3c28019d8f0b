"""Bytes on disk against dvc.lock: changed, missing and equal files and folders."""

import hashlib

import pytest
import yaml

from handrail.errors import InvalidInput
from handrail.lineage.adapters.dvc.bytes import changed_files
from handrail.lineage.adapters.dvc.project_files import ProjectFiles


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


def test_changed_added_and_missing_files_are_told_once(project):
    (project / "raw" / "b.csv").write_text("2\n")
    (project / "out.json").unlink()

    assert kinds(project) == [("bytes-missing", "out.json"), ("bytes-changed", "raw")]


def test_a_project_without_a_lock_has_nothing_to_compare(tmp_path):
    assert kinds(tmp_path) == []


def test_a_broken_lock_is_told(tmp_path):
    (tmp_path / "dvc.lock").write_text("[")

    with pytest.raises(InvalidInput, match="not a lock file"):
        changed_files(tmp_path)
