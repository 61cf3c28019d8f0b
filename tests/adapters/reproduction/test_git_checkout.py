"""Finding a commit among repositories, and laying exactly it into a folder."""

import pytest

from handrail.bootstrap.lineage import find_commit
from handrail.errors import Unavailable, UnknownReference
from handrail.reproduction.adapters.git_checkout import GitCheckout
from handrail.reproduction.domain.recorded import CommitPlace
from tests.fakes.reproducible_project import commit, run

pytestmark = pytest.mark.any_version


@pytest.fixture
def project(tmp_path):
    folder = tmp_path / "repository" / "part"
    folder.mkdir(parents=True)
    run(folder.parent, "git", "init", "-q")
    (folder / "file.txt").write_text("one")
    commit(folder.parent, "One")
    return folder


@pytest.fixture
def clone(project, tmp_path):
    """A clone below home with a commit of its own, which no branch holds any more."""
    folder = tmp_path / "home" / "demo" / "project"
    run(tmp_path, "git", "clone", "-q", project.parent, folder)
    (folder / "part" / "file.txt").write_text("two")
    lost = commit(folder, "Two")
    run(folder, "git", "reset", "-q", "--hard", "HEAD~1")
    return folder, lost


def test_a_commit_is_found_in_a_clone_below_home_though_no_branch_holds_it(project, clone, tmp_path):
    folder, lost = clone
    commits = GitCheckout(project, tmp_path / "home")

    (place,) = commits.holding([lost, "0" * 40, "HEAD"])

    assert place == CommitPlace(lost, str(folder), "part/")
    laid = commits.check_out(place, tmp_path / "into")
    assert (laid / "file.txt").read_text() == "two"
    assert laid == tmp_path / "into" / "part"
    assert commits.check_out(place, tmp_path / "into") == laid, "safe to repeat"


def test_the_project_itself_comes_first(project, tmp_path):
    head = run(project, "git", "rev-parse", "HEAD")

    (place,) = GitCheckout(project, tmp_path / "home").holding([head])

    assert place == CommitPlace(head, str(project.parent), "part/")


def test_a_named_repository_is_the_only_one(project, clone, tmp_path):
    folder, lost = clone

    assert GitCheckout(project, tmp_path / "home", str(project.parent)).holding([lost]) == ()
    with pytest.raises(UnknownReference, match="no repository named"):
        GitCheckout(project, tmp_path / "home", str(tmp_path / "none")).holding([lost])


def test_a_folder_that_git_cannot_write_to_is_one_sentence(project, tmp_path):
    head = run(project, "git", "rev-parse", "HEAD")
    (tmp_path / "into").mkdir()
    (tmp_path / "into" / ".git").write_text("no repository")

    with pytest.raises(Unavailable, match="git"):
        GitCheckout(project, tmp_path / "home").check_out(CommitPlace(head, str(project)), tmp_path / "into")


def test_a_shallow_clone_that_lacks_a_commit_is_named_as_one(project, tmp_path):
    first = run(project, "git", "rev-parse", "HEAD")
    (project / "file.txt").write_text("two")
    second = commit(project.parent, "Two")
    run(tmp_path, "git", "clone", "-q", "--depth", "1", f"file://{project.parent}", "shallow")
    commits = GitCheckout(tmp_path / "shallow" / "part", tmp_path / "home")

    assert commits.holding([first]) == ()
    assert commits.searched()[0].endswith("git fetch --unshallow)")
    (place,) = commits.holding([second])
    assert (commits.check_out(place, tmp_path / "into") / "file.txt").read_text() == "two"
    with pytest.raises(UnknownReference, match="This clone is shallow"):
        find_commit(tmp_path / "shallow", first)
