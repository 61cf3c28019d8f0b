"""What a clone's commit names lands in the DVC remote, also what lies in a folder that git ignores."""

import io
import shutil
import sys

import pytest

from flows.steps.project.dvc_files import push, track
from flows.steps.project.workspace import commit, committer_environment, git
from handrail.errors import Unavailable


@pytest.fixture
def clone(tmp_path, monkeypatch):
    for name, value in committer_environment().items():
        monkeypatch.setenv(name, value)
    folder = tmp_path / "clone"
    (folder / ".dvc").mkdir(parents=True)
    (folder / "data").mkdir()
    config = "[core]\n    remote = local\n['remote \"local\"']\n    url = ../../remote\n"
    (folder / ".dvc" / "config").write_text(config)
    (folder / ".gitignore").write_text("/data/*\n!/data/*.dvc\n")
    git(tmp_path, "init", "--quiet", str(folder))
    (folder / "data" / "labels.parquet").write_bytes(b"late or not")
    commit(folder, "Track labels", [track(folder, "data/labels.parquet"), ".gitignore", ".dvc/config"])
    return folder


def test_a_lost_cache_comes_back_from_the_remote(clone):
    from dvc.repo import Repo

    sent = push(clone)
    again = push(clone)
    shutil.rmtree(clone / ".dvc" / "cache")
    (clone / "data" / "labels.parquet").unlink()
    with Repo(str(clone)) as repo:
        repo.pull(targets=[str(clone / "data" / "labels.parquet.dvc")])

    assert (sent, again) == (1, 0)
    assert (clone / "data" / "labels.parquet").read_bytes() == b"late or not"


def test_nothing_is_drawn_over_the_lines_of_the_caller(clone, monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setattr(sys, "stdout", terminal)

    monkeypatch.setenv("TERM", "xterm")
    (clone / "data" / "more.parquet").write_bytes(b"more labels")

    track(clone, "data/more.parquet")
    assert push(clone) == 1
    assert terminal.getvalue() == ""


def test_a_project_without_a_remote_sends_nothing(clone):
    (clone / ".dvc" / "config").write_text("[core]\n    analytics = false\n")

    assert push(clone) == 0


def test_a_remote_that_cannot_be_written_is_named(clone, tmp_path):
    (tmp_path / "remote").write_text("a file where the remote should be")

    with pytest.raises(Unavailable, match="dvc push"):
        push(clone)
