"""The promises of `CommitSource`, kept by git and by the fake."""

from dataclasses import replace

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


def of_memory(folder, locks):
    names = [f"{number}" * 40 for number in range(len(locks))]
    return FakeCommits({name: {"dvc.lock": lock} for name, lock in zip(names, locks, strict=True)}), names


def of_git(folder, locks):
    repository = folder / "history"
    (repository / "pipe").mkdir(parents=True)
    run(repository, "git", "init", "-q", "-b", "main")
    names = []
    for number, lock in enumerate(locks):
        (repository / "pipe" / "dvc.lock").write_bytes(lock)
        (repository / "notes").write_text(f"{number}")
        names.append(commit(repository, f"{number}"))
    run(repository, "git", "checkout", "-q", "--detach", names[0])
    run(repository, "git", "checkout", "-q", "-b", "beside")
    return GitCheckout(repository, folder / "home"), names


@pytest.mark.parametrize("make", [of_memory, of_git])
def test_later_commits_that_changed_a_lock_are_found_the_next_one_first(make, tmp_path):
    commits, names = make(tmp_path, [b"one", b"two", b"two", b"three"])
    (place,) = commits.holding(names[1:2])

    assert [each.commit for each in commits.later(place)] == names[3:]
    assert [each.commit for each in commits.later(replace(place, commit=names[0]))] == [names[1], names[3]]
    assert commits.later(replace(place, commit=names[3])) == ()
