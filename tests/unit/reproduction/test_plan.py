"""Planning: which commit, which stages, and what is at hand."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from handrail.errors import Conflict, InvalidInput, UnknownReference
from handrail.lineage import LockedFile, LockedStage
from handrail.lineage.domain.facts import ActivityDetails
from handrail.lineage.domain.names import artifact_at
from handrail.reproduction.domain.recorded import CommitPlace
from handrail.reproduction.ports import ReproductionPorts
from handrail.reproduction.service.plan import Planner
from tests.fakes.lineage import COMMIT, STAGES, VERSION, open_in_memory, story
from tests.fakes.reproduction import (
    LOCK,
    FakeCommits,
    FakeData,
    FakePackages,
    FakeRunner,
    PlainFiles,
    lock_of,
    md5_of,
)
from tests.fakes.reproduction_models import FakeModels, FakeScorer

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
        commits, FakeData(), FakeRunner(commits=commits), FakePackages(), PlainFiles(), FakeScorer(), FakeModels()
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


def test_of_two_projects_with_an_equal_stage_the_one_whose_other_stages_led_to_the_model_runs(lineage, commits):
    mine, theirs = CommitPlace(COMMIT, "repository", "mine/"), CommitPlace(COMMIT, "repository", "theirs/")
    pipelines = {"mine/": LOCKED, "theirs/": [replace(LOCKED[0], fingerprint="0" * 64), LOCKED[3]]}

    class TwoProjects(FakeCommits, FakeRunner):
        def holding(self, commits):
            return theirs, mine

        def stages(self, place):
            return tuple(pipelines[place.prefix])

    both = TwoProjects()
    ports = ReproductionPorts(both, FakeData(), both, FakePackages(), PlainFiles(), FakeScorer(), FakeModels())

    plan = Planner(lineage, ports).plan(VERSION.uri)

    assert (plan.place, plan.target) == (mine, "train")


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


LOGGED = "mlflow://registry/registered/logged/1/1"


def md5(text):
    return md5_of({"": text.encode()})


def logging_stage(version, shrink=1):
    """Return the entry of a stage that ran the script at that version, with a parameter."""
    parameters = json.dumps({"params.json": {"shrink": shrink}})
    read = (LockedFile("train.py", md5(f"version {version}")), LockedFile("made/by/a/stage", "0" * 32))
    return LockedStage("fit", f"{version}{shrink}".ljust(64, "0"), '"python train.py"', parameters, read, ())


def commit_of(version, shrink, *locked):
    files = {"train.py": f"version {version}".encode(), "params.json": json.dumps({"shrink": shrink}).encode()}
    return files | ({LOCK: lock_of(list(locked))} if locked else {})


def plan_of_logged(lineage, planner, commit, *, dirty=False):
    tree = f"sha256:{'8' * 64}"
    lineage.record_registration(LOGGED, tree_digest=tree)
    said = {"git_commit": commit, "git_dirty": "true"} if dirty else {}
    lineage.record_activity(
        "mlflow://registry/run/8",
        "tracking-run",
        used=() if dirty else [artifact_at(f"git://shop/{commit}")],
        generated=[artifact_at(LOGGED)],
        details=ActivityDetails(attributes={"dvc_stage": "fit", **said}),
    )
    return planner.plan(LOGGED)


@pytest.mark.parametrize(
    ("history", "dirty", "expected"),
    [
        # the lock was there already, and a later run is another one
        ([commit_of(1, 1, logging_stage(1)), commit_of(2, 1, logging_stage(2))], False, 0),
        # the lock was committed afterwards, and the commit holds none, or that of an earlier run
        ([commit_of(1, 1), commit_of(1, 1, logging_stage(1)), commit_of(2, 1, logging_stage(2))], False, 1),
        ([commit_of(2, 1, logging_stage(1)), commit_of(2, 1, logging_stage(2))], False, 1),
        ([commit_of(1, 2, logging_stage(1)), commit_of(1, 2, logging_stage(1, shrink=2))], False, 1),
        # of changed files nothing is known but that the lock changed with them
        ([commit_of(1, 1, logging_stage(1)), commit_of(2, 1, logging_stage(2))], True, 1),
        ([commit_of(1, 1, logging_stage(1))], True, 0),
        # no lock has what the commit has: the one that came next shows by how much
        ([commit_of(3, 1, logging_stage(1)), commit_of(3, 1, logging_stage(2))], False, 1),
    ],
)
def test_the_lock_of_a_logging_stage_is_that_of_the_run_and_may_come_later(
    lineage, planner, commits, history, dirty, expected
):
    names = [f"{number}" * 40 for number in range(len(history))]
    commits.commits |= dict(zip(names, history, strict=True))

    plan = plan_of_logged(lineage, planner, names[0], dirty=dirty)

    assert (plan.place.commit, plan.target, plan.recorded.logged.stage) == (names[expected], "fit", "fit")
    assert plan.identity["tree"] == f"sha256:{'8' * 64}"


def test_a_model_that_no_stage_logged_is_refused_with_what_to_do(lineage, planner, commits):
    commits.commits["1" * 40] = commit_of(1, 1)

    with pytest.raises(InvalidInput, match="Add a stage that runs the script to dvc.yaml"):
        plan_of_logged(lineage, planner, "1" * 40)
