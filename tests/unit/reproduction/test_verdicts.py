"""What runs again, in which order it is compared, and when a model counts as reproduced."""

from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handrail.errors import InvalidInput, UnknownReference
from handrail.lineage.domain import ActivityDetails, artifact_at
from handrail.lineage.domain.locked import LockedFile, LockedStage
from handrail.reproduction.domain.verdicts import (
    Compared,
    Grade,
    Part,
    Predictions,
    Verdict,
    choose_stages,
    judge,
    made_by,
    order_stages,
    outdated,
    recorded_model,
)
from tests.fakes.lineage import COMMIT, PERMIT, RUN, VERSION, open_in_memory, story

PIPELINE = {
    "acquire": ((), ("data/raw",)),
    "features": (("data/raw/flights", "params"), ("data/training", "data/tables")),
    "train": (("data/training",), ("models/train",)),
    "evaluate": (("models/train", "data/tables"), ("reports/evaluate.json",)),
    "package": (("models/train", "data/training"), ("models/package",)),
    "other": (("data/raw",), ("models/other",)),
}


def locked(name, inputs=(), outputs=(), md5="0"):
    files = [tuple(LockedFile(path, md5) for path in paths) for paths in (inputs, outputs)]
    return LockedStage(name, f"fingerprint of {name}", "cmd", "{}", *files)


STAGES = [locked(name, *files) for name, files in PIPELINE.items()]


def names(stages):
    return [stage.name for stage in stages]


def compared(part, grade, path="x"):
    return Compared("stage", part, path, "a", "b", grade)


def answers(far=0.0, labels=0):
    return Predictions(10, "rows", far, labels)


@pytest.mark.parametrize("held", list(permutations(STAGES[:4])))
def test_a_stage_comes_after_those_that_it_reads_whatever_the_order_of_the_lock(held):
    assert names(order_stages(held)) == ["acquire", "features", "train", "evaluate"]


def test_stages_that_read_each_other_are_refused():
    with pytest.raises(InvalidInput, match="read each other"):
        order_stages([locked("a", ["y"], ["x"]), locked("b", ["x"], ["y"])])


def test_what_judges_the_model_runs_too_and_another_model_does_not():
    assert names(choose_stages(STAGES, "package")) == ["acquire", "features", "train", "evaluate", "package"]


def test_until_ends_at_that_stage():
    assert names(choose_stages(STAGES, "package", "train")) == ["acquire", "features", "train"]
    with pytest.raises(UnknownReference, match="acquire, evaluate"):
        choose_stages(STAGES, "package", "nothing")


def test_a_stage_that_read_other_bytes_than_were_written_last_is_outdated():
    stages = [locked("a", (), ["x"], "1"), locked("b", ["x"], ["y"], "2"), locked("c", ["y"], (), "2")]

    assert outdated(stages) == ("b",)


def test_a_path_in_an_output_is_made_by_its_stage():
    assert made_by(STAGES, "data/raw/flights/2013-01.csv")
    assert made_by(STAGES, "data")
    assert not made_by(STAGES, "data/rawer")


@pytest.mark.parametrize(
    ("found", "predictions", "verdict"),
    [
        ([], None, Verdict.REPRODUCED),
        ([(Part.DATA, Grade.BYTES)], answers(), Verdict.REPRODUCED),
        ([(Part.DATA, Grade.BYTES)], answers(1e-3), Verdict.DIFFERS),
        ([(Part.METRICS, Grade.WITHIN)], None, Verdict.EQUAL_IN_EFFECT),
        ([(Part.MODEL, Grade.DIFFERS)], answers(1e-12), Verdict.EQUAL_IN_EFFECT),
        ([(Part.MODEL, Grade.DIFFERS)], answers(labels=1), Verdict.DIFFERS),
        ([(Part.MODEL, Grade.DIFFERS)], None, Verdict.DIFFERS),
        ([(Part.METRICS, Grade.DIFFERS)], answers(), Verdict.DIFFERS),
        ([(Part.CODE, Grade.DIFFERS)], answers(), Verdict.DIFFERS),
        ([(Part.PARAMETERS, Grade.DIFFERS)], answers(), Verdict.DIFFERS),
        ([(Part.INPUT, Grade.DIFFERS)], answers(), Verdict.DIFFERS),
    ],
)
def test_the_verdict(found, predictions, verdict):
    told = judge([compared(*each) for each in found], predictions, 1e-9)

    assert told.verdict is verdict
    assert bool(told.reasons) is (verdict is Verdict.DIFFERS)


@given(st.lists(st.tuples(st.sampled_from(Part), st.sampled_from(Grade)), max_size=6))
def test_the_first_difference_is_the_first_that_is_not_within_tolerance(found):
    things = [compared(part, grade, str(place)) for place, (part, grade) in enumerate(found)]

    first = judge(things, answers(), 1e-9).first

    grades = [grade for _, grade in found]
    worst = next((grade for grade in (Grade.DIFFERS, Grade.WITHIN) if grade in grades), None)
    assert first == (things[grades.index(worst)] if worst else None)


@pytest.fixture
def lineage(tmp_path):
    told = open_in_memory({})
    for call in story(tmp_path):
        call(told)
    return told


def test_a_version_leads_to_the_stage_that_wrote_its_tree_and_to_its_commit(lineage):
    found = recorded_model(lineage.trace(VERSION.uri))

    assert found.version == VERSION.uri
    assert found.tree.startswith("sha256:")
    ((uri, commits),) = found.stages.items()
    assert uri.startswith("dvc-stage://shop/")
    assert commits == (COMMIT,)
    assert not found.dirty


def test_a_tree_or_a_permit_leads_there_too(lineage):
    found = recorded_model(lineage.trace(VERSION.uri))

    assert recorded_model(lineage.trace(PERMIT.uri)) == found
    tree = f"tree://{found.tree.replace(':', '/')}"
    assert recorded_model(lineage.trace(tree)).stages == found.stages


def test_a_run_that_said_its_checkout_was_dirty_is_remembered(lineage):
    lineage.record_activity(
        RUN,
        "tracking-run",
        generated=[artifact_at(VERSION.uri)],
        details=ActivityDetails(attributes={"git_dirty": "true"}),
    )

    assert recorded_model(lineage.trace(VERSION.uri)).dirty


def test_what_no_stage_wrote_cannot_be_reproduced(lineage):
    tree = "sha256:" + "9" * 64
    lineage.record_registration("mlflow://registry/registered/other/1/1", tree_digest=tree)
    lineage.derive(artifact_at("file://a"), artifact_at("file://b"))

    with pytest.raises(UnknownReference, match="No stage of dvc.yaml"):
        recorded_model(lineage.trace("mlflow://registry/registered/other/1/1"))
    with pytest.raises(UnknownReference, match="artifact tree"):
        recorded_model(lineage.trace("file://a"))
