"""Hashing a folder as DVC does, when DVC leaves some of its files out."""

import os
import shutil
import subprocess
import sys

import pytest
import yaml

from handrail.lineage.adapters.dvc.project_files import ProjectFiles
from handrail.lineage.domain.locked import LockedFile

CODE = "src/code"
FILES = ("one.py", "README.md", "deep/two.py", "deep/notes.md", "deep/__pycache__/two.pyc", "__pycache__/one.pyc")
RULES = {
    "a folder anywhere": {".dvcignore": "__pycache__/\n"},
    "a suffix": {".dvcignore": "# comment\n\n*.md\n"},
    "both": {".dvcignore": "__pycache__/\n*.md\n"},
    "a path from the root": {".dvcignore": "/src/code/deep/notes.md\n"},
    "all but one": {".dvcignore": "*.md\n!README.md\n"},
    "rules of a folder above": {".dvcignore": "__pycache__/\n", "src/.dvcignore": "*.md\n"},
}


def _dvc(project, *arguments):
    environment = os.environ | {"DVC_NO_ANALYTICS": "1", "DVC_SITE_CACHE_DIR": str(project / ".dvc" / "site")}
    run = subprocess.run(
        [sys.executable, "-m", "dvc", *arguments], cwd=project, env=environment, capture_output=True, text=True
    )
    assert run.returncode == 0, run.stdout + run.stderr


def _locked(project):
    lock = yaml.safe_load((project / "dvc.lock").read_text())
    return {dep["path"]: dep["md5"] for dep in lock["stages"]["read"]["deps"]}


@pytest.fixture
def project(tmp_path):
    """A DVC project without git, with a stage that depends on a folder of code."""
    for name in FILES:
        (tmp_path / CODE / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / CODE / name).write_text(name)
    stage = {"cmd": f"{sys.executable} -c \"open('out', 'w').write('1')\"", "deps": [CODE], "outs": ["out"]}
    (tmp_path / "dvc.yaml").write_text(yaml.safe_dump({"stages": {"read": stage}}))
    _dvc(tmp_path, "init", "--no-scm", "-q")
    return tmp_path


@pytest.mark.parametrize("rules", RULES.values(), ids=RULES)
def test_a_folder_has_the_hash_that_dvc_gives_it(project, rules):
    for name, text in rules.items():
        (project / name).write_text(text)
    _dvc(project, "repro")

    files = ProjectFiles.of_dvc(project)

    assert files.md5_of(CODE) == _locked(project)[CODE]
    assert files.describe(LockedFile(CODE, _locked(project)[CODE])).sha256


def test_a_file_that_dvc_ignores_changes_nothing_and_another_one_does(project):
    (project / ".dvcignore").write_text("__pycache__/\n")
    before = ProjectFiles.of_dvc(project).md5_of(CODE)

    (project / CODE / "__pycache__" / "later.pyc").write_text("compiled")
    compiled = ProjectFiles.of_dvc(project).md5_of(CODE)
    (project / CODE / "three.py").write_text("new")

    assert compiled == before
    assert ProjectFiles.of_dvc(project).md5_of(CODE) != before


def test_a_folder_outside_a_project_is_hashed_whole(project):
    (project / ".dvcignore").write_text("*.md\n")

    members = ProjectFiles(project).folder(CODE).members

    assert {member.path for member in members} == {f"{CODE}/{name}" for name in FILES}


def test_rules_at_the_top_of_a_project_hold_in_a_folder_of_it(project):
    (project / ".dvcignore").write_text("*.md\n")

    files = ProjectFiles.of_dvc(project / "src").files("code")

    assert "code/one.py" in files
    assert not [file for file in files if file.endswith(".md")]


def test_a_copy_that_lies_in_a_folder_that_dvc_ignores_is_hashed_by_its_own_rules(project):
    (project / ".dvcignore").write_text(".handrail\n*.md\n")
    copy = project / ".handrail" / "copies" / "first"
    shutil.copytree(project / CODE, copy / CODE)

    assert ProjectFiles.of_dvc(copy).files(CODE) == tuple(sorted(f"{CODE}/{name}" for name in FILES))
