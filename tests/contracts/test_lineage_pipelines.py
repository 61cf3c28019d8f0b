"""`PipelineReader`: the same promises by the fake and by lock files of DVC."""

import pytest
import yaml

from handrail.errors import InvalidInput, Unavailable
from handrail.lineage.adapters.dvc.pipeline import DvcPipeline
from tests.fakes.dvc_repository import commit, make_repository
from tests.fakes.lineage import COMMIT, STAGES, PipelineInMemory

LOCK = {
    "schema": "2.0",
    "stages": {
        "acquire": {"cmd": "fetch", "outs": [{"path": "raw.csv", "md5": "1" * 32}]},
        "train": {"cmd": "train", "deps": [{"path": "raw.csv", "md5": "1" * 32}], "outs": []},
    },
}


def in_memory(folder, locked):
    return PipelineInMemory(STAGES if locked else None), COMMIT


def by_dvc(folder, locked):
    make_repository(folder)
    if locked:
        (folder / "dvc.lock").write_text(yaml.safe_dump(LOCK))
    return DvcPipeline("shop"), commit(folder, "all of it")


@pytest.fixture(params=[in_memory, by_dvc])
def opened(request, tmp_path):
    """Open a reader of a project with or without a lock file; return it, the project and its commit."""

    def make(locked=True):
        project = tmp_path / "project"
        reader, at = request.param(project, locked)
        return reader, project, at

    return make


def test_the_stage_runs_are_those_of_the_lock_file_each_once(opened):
    reader, project, at = opened()

    record = reader.read(project, at)

    names = [stage.name for stage in record.stages]
    assert record.repository == "shop"
    assert len(names) == len(set(names)) > 1
    assert {stage.commit for stage in record.stages} == {at}
    assert all(len(stage.fingerprint) == 64 for stage in record.stages)


def test_what_a_stage_made_and_another_read_is_the_same_file(opened):
    reader, project, at = opened()

    stages = reader.read(project, at).stages

    made = {(file.path, file.md5) for stage in stages for file in stage.outputs}
    assert made & {(file.path, file.md5) for stage in stages for file in stage.inputs}


def test_reading_twice_gives_the_same(opened):
    reader, project, at = opened()

    assert reader.read(project, at) == reader.read(project, at)


@pytest.mark.parametrize("named", ["", "HEAD", "c0ffee", "f" * 40, "--all", f"{COMMIT}0"])
def test_what_is_not_a_commit_is_refused_by_name(opened, named):
    reader, project, _ = opened()

    with pytest.raises(InvalidInput, match=f"'{named}' is not a commit"):
        reader.read(project, named)


def test_a_project_without_a_lock_file_is_refused(opened):
    reader, project, at = opened(locked=False)

    with pytest.raises(Unavailable, match=r"dvc\.lock"):
        reader.read(project, at)
