"""The promises of `WorkFolder`, kept by the folder on disk and by the fake."""

from pathlib import Path

import pytest

from handrail.errors import Refused
from handrail.reproduction.adapters.work_folder import ReproductionFolder
from handrail.reproduction.ports import WorkFolder
from tests.fakes.reproduction import FolderState, MemoryFolder

ONE, OTHER = {"commit": "a"}, {"commit": "b"}


@pytest.fixture(params=["memory", "disk"])
def folder(request, tmp_path):
    """Return folders of one path, each as another process would open it; all are closed at the end."""
    states: dict[Path, FolderState] = {}
    opened: list[WorkFolder] = []

    def make():
        path = tmp_path / "work"
        opened.append(MemoryFolder(path, states) if request.param == "memory" else ReproductionFolder(path))
        return opened[-1]

    yield make
    for each in opened:
        each.close()


def test_a_new_one_has_nothing_done(folder):
    assert folder().open(ONE) == ()


def test_an_interrupted_one_returns_what_was_done(folder):
    first = folder()
    first.open(ONE)
    first.mark("train")
    first.mark("clean")
    first.mark("train")
    first.close()

    assert folder().open(ONE) == ("clean", "train")


def test_two_processes_never_work_in_the_same_folder(folder):
    first, second = folder(), folder()
    first.open(ONE)

    with pytest.raises(Refused, match="Another process"):
        second.open(ONE)
    second.close()
    with pytest.raises(Refused, match="Another process"):
        folder().open(ONE)

    first.close()
    assert folder().open(ONE) == ()


def test_another_reproduction_is_refused(folder):
    first = folder()
    first.open(ONE)
    first.close()

    with pytest.raises(Refused, match="something else"):
        folder().open(OTHER)


def test_a_finished_one_is_refused(folder):
    first = folder()
    first.open(ONE)
    first.finish({"verdict": "reproduced"})
    first.close()

    with pytest.raises(Refused, match="is finished"):
        folder().open(ONE)


def test_a_removed_one_is_new_again(folder):
    first = folder()
    first.open(ONE)
    first.mark("train")
    first.remove()
    first.close()

    assert not first.path.exists()
    assert folder().open(OTHER) == ()
