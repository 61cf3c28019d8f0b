"""Running a plan again: what is compared, when it stops, and how it continues."""

import json
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from handrail.errors import Refused, Unavailable, UnknownReference
from handrail.lineage import LockedFile, OutsideData
from handrail.lineage.domain.locked import MD5_OF_TEXT
from handrail.reproduction.domain.results import Grade, Part, Result
from handrail.reproduction.service.comparing import Comparer
from tests.fakes.reproduction import LOCK, md5_of, read_stage
from tests.fakes.reproduction_world import COMMIT, World, train


@pytest.fixture
def world(tmp_path):
    return World(tmp_path)


def test_the_same_commit_data_and_packages_are_reproduced(world):
    found = world.run()

    assert found.conclusion.result is Result.REPRODUCED
    assert world.runner.ran == ["clean", "train", "package"]
    assert world.steps_reported == ["checkout", "data", "environment", "clean", "train", "package", "predictions"]
    assert {each.grade for each in found.compared} == {Grade.BYTES}
    assert (found.predictions.rows, found.predictions.max_difference) == (3, 0.0)
    assert found.environment.differences == ()
    assert found.notes == ()


def test_every_input_is_compared_before_any_output(world):
    parts = [each.part.is_input for each in world.run().compared]

    assert parts == sorted(parts, reverse=True)
    assert parts.count(True) == 3


def test_other_bytes_are_named_by_the_first_output_that_differs(world):
    world.steps["train"] = partial(train, slope=3.0)

    found = world.run()

    assert found.conclusion.result is Result.DIFFERS
    assert (found.conclusion.first.stage, found.conclusion.first.path) == ("train", "models/trained")
    assert found.predictions.max_difference == 3.0


def test_a_tracked_table_that_the_stage_reads_is_scored(world):
    table = {"": b"[1, 2]"}
    tracked = LockedFile("data/tracked.csv", md5_of(table))
    world.data.files = (*world.data.files, tracked)
    world.data.remote[tracked.md5] = table
    *before, target = world.plan.stages

    found = world.run(replace(world.plan, stages=(*before, replace(target, inputs=(tracked,)))))

    assert (found.predictions.rows, Path(found.predictions.source).name) == (2, "tracked.csv")


def test_numbers_within_the_tolerance_are_equal_in_effect(world):
    world.steps["train"] = partial(train, slope=2.0 + 1e-12)

    assert world.run().conclusion.result is Result.EQUAL_IN_EFFECT


def test_code_that_was_not_committed_ends_it_before_anything_runs(world):
    world.commits.commits[COMMIT] |= {"train.py": b"another"}

    found = world.run()

    assert (found.conclusion.result, found.conclusion.first.part) == (Result.DIFFERS, Part.CODE)
    assert found.conclusion.first.path == "train.py"
    assert world.runner.ran == []


def test_input_data_that_is_nowhere_is_named(world):
    (file,) = world.data.files
    del world.data.remote[file.md5]

    with pytest.raises(Unavailable, match=r"data/input\.csv: neither the remote.*dvc push"):
        world.run()


def test_outputs_whose_bytes_are_nowhere_are_compared_by_digest(world):
    output = world.plan.stages[0].outputs[0]
    del world.data.remote[output.md5]

    found = world.run()

    assert found.conclusion.result is Result.REPRODUCED
    assert found.notes == ("data/rows.parquet: its recorded bytes were not found; compared by digest alone",)


def test_a_recorded_model_that_is_another_tree_ends_it_before_anything_runs(world):
    output = world.plan.stages[2].outputs[0]
    world.data.remote[output.md5] = {"weights.json": b'{"slope": 9}'}

    found = world.run()

    assert found.conclusion.first.part is Part.INPUT
    assert world.runner.ran == []


def test_a_lock_that_names_another_tree_than_the_version_has_ends_it_before_anything_runs(world):
    other = replace(world.plan.recorded, tree="sha256:" + "0" * 64)

    found = world.run(replace(world.plan, recorded=other))

    assert found.conclusion.first.detail == "dvc.lock names another tree than the version has"
    assert world.runner.ran == []


def test_the_tree_of_the_version_is_not_asked_for_before_its_stage(world):
    other = replace(world.plan.recorded, tree="sha256:" + "0" * 64)

    found = world.run(replace(world.until("train"), recorded=other))

    assert found.conclusion.result is Result.REPRODUCED


def test_a_model_whose_recorded_bytes_are_nowhere_is_compared_by_digest_and_gives_no_predictions(world):
    del world.data.remote[world.plan.stages[2].outputs[0].md5]

    found = world.run()

    assert found.conclusion.result is Result.REPRODUCED
    assert found.predictions is None
    assert "models/package: its recorded bytes were not found; compared by digest alone" in found.notes


def test_a_stage_that_failed_runs_again_and_those_before_it_do_not(world):
    def fails(project):
        raise RuntimeError("no luck")

    world.steps["train"] = fails
    with pytest.raises(Unavailable, match="no luck"):
        world.run()
    world.steps["train"] = train

    found = world.run()

    assert found.conclusion.result is Result.REPRODUCED
    assert world.runner.ran == ["clean", "train", "train", "package"]


def test_a_finished_stage_whose_output_was_changed_meanwhile_runs_again(world):
    world.run(world.plan)
    (world.folder / "work" / "clone" / "data" / "rows.parquet").write_text("[]")

    world.run(world.plan)

    assert world.runner.ran == ["clean", "train", "package", "clean"]


def test_a_folder_of_another_plan_is_refused(world):
    world.run(world.until("clean"))

    with pytest.raises(Refused, match="something else"):
        world.run()


def test_until_ends_there_and_compares_no_predictions(world):
    found = world.run(world.until("train"))

    assert world.runner.ran == ["clean", "train"]
    assert found.predictions is None


def test_another_package_version_is_named(world):
    world.packages.versions["numpy"] = "1.0"

    assert "numpy 1.0 (recorded 2.0)" in world.run().environment.sentence


def test_a_recorded_environment_is_installed_when_asked_for(world):
    world.packages.versions["numpy"] = "1.0"

    found = world.run(install=True)

    assert (found.environment.differences, found.environment.installed_into) == ((), "venv")


def test_without_a_lock_file_nothing_can_be_installed(world):
    del world.commits.commits[COMMIT]["requirements.lock"]

    with pytest.raises(UnknownReference, match="--lock"):
        world.run(install=True)


def test_parameters_that_changed_are_named(world):
    rows = json.loads(world.commits.commits[COMMIT][LOCK])
    rows[0]["parameters"] = '{"params.yaml": {"n": 2}}'
    world.commits.commits[COMMIT][LOCK] = json.dumps(rows).encode()

    found = world.run()

    assert (found.conclusion.result, found.conclusion.first.part) == (Result.DIFFERS, Part.PARAMETERS)
    assert read_stage(rows[0]).name == "clean"


def test_another_version_of_data_elsewhere_is_named(world):
    lake = OutsideData("s3://lake/raw.csv", "v1", {"version_id": "v1"})
    first, *others = world.plan.stages
    plan = replace(world.plan, stages=(replace(first, outside=(lake,)), *others))

    found = world.run(plan)

    assert (found.conclusion.result, found.conclusion.first.path) == (Result.DIFFERS, "s3://lake/raw.csv")
    assert (found.conclusion.first.recorded, found.conclusion.first.reproduced) == ("v1", "missing")


def test_what_dvc_3_names_by_another_hash_is_compared_by_the_recorded_one(world):
    first = world.plan.stages[0]
    before = tuple(replace(file, md5="0" * 32, hash_name=MD5_OF_TEXT) for file in first.outputs)
    world.files.digest = lambda root, file: "0" * 32 if file.hash_name == MD5_OF_TEXT else file.md5

    found = Comparer(world.files).stage(
        (replace(first, outputs=before), first), (world.folder,) * 2, world.plan.recorded, 0.0
    )

    assert [each.grade for each in found] == [Grade.BYTES]
