"""The folder of a reproduction: new, or the same one that was interrupted; nothing of anybody else's is touched."""

import json
from contextlib import closing

import pytest

from handrail.errors import Refused, Unavailable
from handrail.reproduction.adapters.work_folder import STATE, ReproductionFolder

pytestmark = pytest.mark.any_version

ONE, OTHER = {"commit": "a"}, {"commit": "b"}


def test_an_interrupted_one_goes_on_where_it_was(tmp_path):
    folder = ReproductionFolder(tmp_path / "new")
    assert folder.open(ONE) == ()
    folder.mark("train")
    folder.mark("clean")
    folder.close()

    assert ReproductionFolder(tmp_path / "new").open(ONE) == ("clean", "train")


def test_locks_of_the_run_that_was_interrupted_are_gone(tmp_path):
    held = tmp_path / "clone" / "part" / ".dvc" / "tmp" / "rwlock"
    with closing(ReproductionFolder(tmp_path)) as folder:
        folder.open(ONE)
    held.parent.mkdir(parents=True)
    held.write_text("{}")

    ReproductionFolder(tmp_path).open(ONE)

    assert not held.exists()


def test_one_that_somebody_is_at_is_refused_and_left_alone(tmp_path):
    folder = ReproductionFolder(tmp_path)
    folder.open(ONE)
    lock = tmp_path / "clone" / ".dvc" / "tmp" / "rwlock"
    lock.parent.mkdir(parents=True)
    lock.write_text("{}")

    with pytest.raises(Refused, match="Another process"):
        ReproductionFolder(tmp_path).open(ONE)
    assert lock.exists()
    folder.close()

    assert ReproductionFolder(tmp_path).open(ONE) == ()


def test_another_model_or_a_finished_one_is_refused(tmp_path):
    folder = ReproductionFolder(tmp_path)
    folder.open(ONE)
    folder.close()
    with pytest.raises(Refused, match="something else"):
        ReproductionFolder(tmp_path).open(OTHER)

    folder.open(ONE)
    folder.finish({"verdict": "reproduced"})
    folder.close()

    with pytest.raises(Refused, match="is finished"):
        ReproductionFolder(tmp_path).open(ONE)
    assert json.loads((tmp_path / STATE).read_text())["finished"] == {"verdict": "reproduced"}


@pytest.mark.parametrize("content", ["{", "[]", '{"format": "other"}'])
def test_a_file_of_that_name_that_is_no_state_is_left_alone(tmp_path, content):
    (tmp_path / STATE).write_text(content)

    with pytest.raises(Refused, match="not empty"):
        ReproductionFolder(tmp_path).open(ONE)

    assert (tmp_path / STATE).read_text() == content


def test_a_place_that_cannot_be_written_is_one_sentence(tmp_path):
    (tmp_path / "file").write_text("")

    with pytest.raises(Unavailable, match="--into"):
        ReproductionFolder(tmp_path / "file" / "below").open(ONE)


def test_removing_leaves_nothing(tmp_path):
    folder = ReproductionFolder(tmp_path / "new")
    folder.open(ONE)

    folder.remove()

    assert not folder.path.exists()
