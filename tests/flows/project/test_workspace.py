"""The clone in which flows work: the user's checkout stays as it is."""

import subprocess

import pytest

from flows.steps.project.workspace import commit, committer_environment, git, open_challenger_clone, open_workspace
from handrail.errors import Unavailable
from handrail.settings import load_settings


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    folder = tmp_path / "checkout"
    (folder / ".dvc").mkdir(parents=True)
    for name, value in committer_environment().items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("HANDRAIL_PROJECT", str(folder))
    monkeypatch.setenv("HANDRAIL_HOME", str(tmp_path / "home"))
    subprocess.run(["git", "init", "--quiet", str(folder)], check=True)
    (folder / ".dvc" / "config").write_text("[core]\n")
    (folder / ".gitignore").write_text("/data/\n")
    (folder / "params.yaml").write_text("rows: 1\n")
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", "Begin")
    return folder


def test_the_checkout_is_cloned_at_its_head_and_left_alone(checkout):
    (checkout / "params.yaml").write_text("rows: 2\n")

    clone = open_workspace(load_settings())

    assert (clone / "params.yaml").read_text() == "rows: 1\n"
    assert git(clone, "rev-parse", "HEAD") == git(checkout, "rev-parse", "HEAD")
    assert git(checkout, "status", "--porcelain") == "M params.yaml"


def test_a_clone_goes_on_from_its_own_commits_until_the_checkout_moves(checkout):
    first = open_workspace(load_settings())
    (first / "params.yaml").write_text("rows: 7\n")
    own = commit(first, "Train on more", ["params.yaml"])

    before = git(open_workspace(load_settings()), "rev-parse", "HEAD")
    (checkout / "params.yaml").write_text("rows: 2\n")
    git(checkout, "commit", "--quiet", "--all", "--message", "Change")
    moved = open_workspace(load_settings())

    assert before == own
    assert git(moved, "rev-parse", "HEAD") == git(checkout, "rev-parse", "HEAD")
    assert (moved / "params.yaml").read_text() == "rows: 2\n"
    assert git(moved, "cat-file", "-t", own) == "commit"


def test_a_clone_under_home_is_used_as_it_is(checkout):
    clone = open_workspace(load_settings())

    assert open_workspace(load_settings(), clone) == clone


def test_the_clone_shares_the_dvc_remote_under_home(checkout, tmp_path):
    clone = open_workspace(load_settings())

    assert str(tmp_path / "home" / "dvc-remote") in (clone / ".dvc" / "config.local").read_text()


def test_committing_twice_changes_nothing_and_ignored_files_stay_out(checkout):
    folder = open_workspace(load_settings())
    (folder / "data").mkdir()
    (folder / "data" / "validation.json").write_text("{}")
    (folder / "dvc.lock").write_text("schema: '2.0'\n")
    paths = ["dvc.lock", "data/validation.json", "reports/none.json"]

    first = commit(folder, "Record", paths)
    second = commit(folder, "Record", paths)

    assert first == second
    assert git(folder, "show", "--name-only", "--format=", "HEAD") == "dvc.lock"


def test_a_folder_outside_git_is_one_sentence(tmp_path, monkeypatch):
    monkeypatch.setenv("HANDRAIL_PROJECT", str(tmp_path))
    monkeypatch.setenv("HANDRAIL_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))

    with pytest.raises(Unavailable, match="git rev-parse"):
        open_workspace(load_settings())


@pytest.mark.parametrize(("file", "written"), [("config", "../shared"), ("config.local", "{tmp}/shared")])
def test_clones_share_the_cache_that_the_project_configures(checkout, tmp_path, file, written):
    (tmp_path / "checkout" / "shared").mkdir()
    (tmp_path / "shared").mkdir()
    with (checkout / ".dvc" / file).open("a") as settings:
        settings.write(f"[cache]\n    dir = {written.format(tmp=tmp_path)}\n")
    shared = {"config": checkout / "shared", "config.local": tmp_path / "shared"}[file]

    for clone in (open_workspace(load_settings()), open_challenger_clone(load_settings())):
        assert f"dir = {shared}\n" in (clone / ".dvc" / "config.local").read_text()
