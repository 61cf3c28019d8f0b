"""Planning: which commit, which stages, and what is at hand."""

from dataclasses import replace
from pathlib import Path

import pytest

from handrail.errors import Conflict, UnknownReference
from handrail.lineage import LockedFile, LockedStage
from handrail.reproduction.ports import ReproductionPorts
from handrail.reproduction.service.plan import Planner
from tests.fakes.lineage import COMMIT, STAGES, VERSION, open_in_memory, story
from tests.fakes.reproduction import (
    LOCK,
    FakeCommits,
    FakeData,
    FakePackages,
    FakeRunner,
    FakeScorer,
    PlainFiles,
    lock_of,
)

LOCKED = [
    LockedStage(
        stage.name,
        stage.fingerprint,
        "cmd",
        "{}",
        tuple(LockedFile(file.path, file.md5) for file in stage.inputs),
        tuple(LockedFile(file.path, file.md5) for file in stage.outputs),
    )
    for stage in STAGES
]


@pytest.fixture
def lineage(tmp_path):
    found = open_in_memory({})
    for call in story(tmp_path):
        call(found)
    return found


@pytest.fixture
def commits():
    return FakeCommits({COMMIT: {LOCK: lock_of(LOCKED), "requirements.lock": b"numpy==2.0\n"}})


@pytest.fixture
def planner(lineage, commits):
    ports = ReproductionPorts(
        commits, FakeData(), FakeRunner(commits=commits), FakePackages(), PlainFiles(), FakeScorer()
    )
    return Planner(lineage, ports)


def test_a_version_is_made_by_the_stages_that_its_commit_locks(planner):
    plan = planner.plan(VERSION.uri)

    assert (plan.target, plan.place.commit, plan.recorded.version) == ("train", COMMIT, VERSION.uri)
    assert [stage.name for stage in plan.stages] == ["acquire", "validate", "features", "train"]


def test_of_two_pipelines_with_equal_entries_the_one_that_wrote_the_model_runs(planner, commits):
    train = next(stage for stage in LOCKED if stage.name == "train")
    twin = replace(train, name="copy/dvc.yaml:train", inputs=(), outputs=())
    commits.commits[COMMIT][LOCK] = lock_of([twin, *LOCKED])

    assert planner.plan(VERSION.uri).target == "train"


def test_until_ends_the_plan_at_a_stage(planner):
    plan = planner.plan(VERSION.uri, "validate")

    assert [stage.name for stage in plan.stages] == ["acquire", "validate"]
    assert not plan.runs_target
    with pytest.raises(UnknownReference, match="acquire, features"):
        planner.plan(VERSION.uri, "nothing")


def test_plans_of_other_stages_are_not_the_same_reproduction(planner):
    assert planner.plan(VERSION.uri).identity == planner.plan(VERSION.uri).identity
    assert planner.plan(VERSION.uri).identity != planner.plan(VERSION.uri, "validate").identity


def test_a_commit_that_no_repository_holds_is_named_with_where_was_looked(planner, commits):
    commits.commits.clear()

    with pytest.raises(UnknownReference, match=f"{COMMIT}.*Looked in the repository.*--repository"):
        planner.plan(VERSION.uri)


def test_a_lock_that_does_not_hold_the_stage_run_is_refused(planner, commits):
    commits.commits[COMMIT][LOCK] = lock_of(LOCKED[:2])

    with pytest.raises(Conflict, match="does not hold dvc-stage://"):
        planner.plan(VERSION.uri)


def test_a_stage_that_read_other_bytes_than_were_written_cannot_be_compared(planner, commits):
    first = LOCKED[0]
    other = LockedStage(first.name, "0" * 64, "cmd", "{}", (), (LockedFile("data/raw", "f" * 32),))
    commits.commits[COMMIT][LOCK] = lock_of([other, *LOCKED[1:]])

    with pytest.raises(Conflict, match="nothing to compare"):
        planner.plan(VERSION.uri)


def test_a_survey_returns_what_is_missing_and_which_packages_differ(planner, tmp_path):
    data, packages = planner.survey(planner.plan(VERSION.uri), tmp_path / "survey", Path("python"))

    assert [file.path for file in data.missing] == [file.path for stage in LOCKED for file in stage.outputs]
    assert [(each.name, each.installed) for each in packages.differences] == [("numpy", "")]
