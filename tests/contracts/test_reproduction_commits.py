"""The promises of `CommitSource`, kept by git and by the fake."""

import pytest

from handrail.errors import Unavailable
from handrail.reproduction.adapters.git_checkout import GitCheckout
from handrail.reproduction.domain.recorded import CommitPlace
from tests.fakes.reproducible_project import commit, run
from tests.fakes.reproduction import FakeCommits

FILES = {"dvc.lock": b"schema: '2.0'\n", "steps/train.py": b"print(1)\n"}
UNKNOWN = "0" * 40


def write(folder):
    for path, content in FILES.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)


@pytest.fixture(params=["memory", "git"])
def source(request, tmp_path):
    """A source and the one commit in it."""
    if request.param == "memory":
        return FakeCommits({"c0" * 20: dict(FILES)}), "c0" * 20
    write(tmp_path / "repository")
    run(tmp_path / "repository", "git", "init", "-q")
    return GitCheckout(tmp_path / "repository", tmp_path / "home"), commit(tmp_path / "repository", "One")


def test_commits_that_no_repository_holds_are_left_out(source):
    commits, known = source

    (place,) = commits.holding([UNKNOWN, known])

    assert (place.commit, place.repository) == (known, commits.searched()[0])
    assert commits.holding([UNKNOWN]) == ()


def test_a_commit_is_checked_out_exactly_and_again(source, tmp_path):
    commits, known = source
    (place,) = commits.holding([known])

    for _ in range(2):
        project = commits.check_out(place, tmp_path / "into")
        assert {path: (project / path).read_bytes() for path in FILES} == FILES
        (project / "dvc.lock").write_text("changed")


def test_a_folder_that_cannot_be_written_is_one_sentence(source, tmp_path):
    commits, known = source
    (place,) = commits.holding([known])
    (tmp_path / "into").mkdir()
    (tmp_path / "into" / ".git").write_text("not a repository")
    (tmp_path / "into" / "steps").write_text("not a folder")

    with pytest.raises(Unavailable):
        commits.check_out(CommitPlace(known, place.repository), tmp_path / "into")
