"""What a git revision says that DVC tracked, without DVC."""

import hashlib
import subprocess

import pytest

from handrail.lineage.adapters.dvc.revisions import cached_file, locked_at
from handrail.lineage.domain.locked import LockedFile

FOLDER, FILE = "11" * 16 + ".dir", "22" * 16


def git(folder, *arguments):
    identity = ("-c", "user.name=T", "-c", "user.email=t@example.org")
    subprocess.run(["git", *identity, *arguments], cwd=folder, capture_output=True, check=True)


@pytest.fixture
def project(tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "set.dvc").write_text(f"outs:\n- md5: {FOLDER}\n  path: set\n")
    (tmp_path / "dvc.lock").write_text(f"stages:\n  make:\n    outs:\n    - path: data/made.csv\n      md5: {FILE}\n")
    (tmp_path / "data" / "broken.dvc").write_text("outs: [")
    (tmp_path / "data" / "odd.dvc").write_text("outs: 7")
    (tmp_path / "plain.csv").write_text("a,b\n")
    listing = tmp_path / ".dvc" / "cache" / FOLDER[:2]
    listing.mkdir(parents=True)
    (listing / FOLDER[2:]).write_text(f'[{{"md5": "{FILE}", "relpath": "deep/rows.csv"}}]')
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", "-A", "data", "dvc.lock", "plain.csv")
    git(tmp_path, "commit", "-q", "-m", "Begin")
    (tmp_path / "dvc.lock").unlink()
    return tmp_path


@pytest.mark.parametrize(
    ("path", "md5"),
    [
        ("data/set", FOLDER),
        ("data/set/deep/rows.csv", FILE),
        ("data/made.csv", FILE),
        ("plain.csv", hashlib.md5(b"a,b\n").hexdigest()),
        ("data/set/deep/none.csv", None),
        ("data/broken", None),
        ("data/odd", None),
        ("none", None),
    ],
)
def test_the_hash_is_the_one_that_the_revision_names(project, path, md5):
    found = locked_at(project, path, "HEAD")

    assert (found and found.md5) == md5


def test_an_unknown_revision_yields_nothing(project):
    assert locked_at(project, "data/set", "v9") is None
    assert locked_at(project, "data/set", "--help") is None


def test_without_git_nothing_is_known(project, monkeypatch):
    monkeypatch.setenv("PATH", "")

    assert locked_at(project, "data/set", "HEAD") is None


def test_content_that_the_cache_lacks_is_none(project):
    assert cached_file(project, LockedFile("data/made.csv", FILE)) is None
