"""What is said of a run after a model of it was registered: shown as said later, and no part of its record."""

from datetime import UTC, datetime, timedelta

import pytest

from handrail.entrypoints.mlflow.collect import (
    Registered,
    keep_first,
    records_of_closing,
    records_of_run,
    records_of_version,
    versions_of_run,
)
from handrail.lineage import artifact_at
from tests.fakes.lineage import open_in_memory
from tests.fakes.mlflow_entities import COMMIT, NAMING, RUN, SHA256, dataset, run, version

VERSION = "mlflow://local/registered/m/9/3"
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
ANN = "actor://local/ann"
FIRST = {"handrail.git_commit": COMMIT, "handrail.git_dirty": "false", "mlflow.user": "ann"}
DATA = "mlflow://local/dataset/train@1f"


@pytest.fixture
def lineage():
    return open_in_memory()


@pytest.fixture
def record(lineage):
    """Records a run as it is now, by who is logged in."""

    def call(entity, by=None, at=NOON):
        ((_, records),) = keep_first(lineage, [("run", records_of_run(NAMING, entity, "exp", by))], at, by)
        for each in records:
            each.record(lineage)

    return call


@pytest.fixture
def registered(lineage, record):
    """A run that has ended, and a version of it."""
    record(run(FIRST, [dataset({}, "local", "1f")]))
    register(lineage)


def register(lineage):
    for each in records_of_version(NAMING, Registered(version("runs:/r1/m"), 9), {}.get):
        each.record(lineage)
    for each in records_of_closing(lineage, [VERSION], NOON):
        each.record(lineage)


def causes(lineage, ref=VERSION):
    return {node.uri for node in lineage.trace(ref).nodes}


def later(lineage):
    return lineage.show(RUN).node.attributes.get("later", "")


@pytest.mark.parametrize(
    ("tags", "inputs", "read", "thing"),
    [
        ({"handrail.git_commit": "d" * 40}, (), (), f"git://shop/{'d' * 40}"),
        ({"handrail.stage_inputs": SHA256}, (), (), f"stage-inputs://sha256/{SHA256}"),
        ({"handrail.flow_run_id": "f1"}, (), (), "prefect://test/flow-run/f1"),
        ({"mlflow.parentRunId": "r0"}, (), (), "mlflow://local/run/r0"),
        ({"mlflow.user": "bob"}, (), (), "actor://mlflow.user/bob"),
        ({}, ["2f"], (), "mlflow://local/dataset/train@2f"),
        ({}, (), ["m-9"], "mlflow://local/model/m-9"),
        ({"feast.feature_service": "s"}, (), (), "feast.feature_service = s"),
    ],
)
def test_what_is_added_after_the_registration_is_shown_as_later_and_by_whom(
    lineage, record, registered, tags, inputs, read, thing
):
    before = causes(lineage)
    frames = [dataset({}, "local", digest) for digest in ("1f", *inputs)]

    record(run(FIRST | tags, frames, read), ANN)

    assert causes(lineage) == before
    assert later(lineage) == f"{thing}; first seen {NOON.isoformat()}, {ANN}"


def test_from_outside_it_is_said_that_nobody_knows_by_whom(lineage, record, registered):
    record(run(FIRST, [dataset({}, "local", "2f")]))

    assert later(lineage).endswith("MLflow does not keep by whom")


def test_the_same_again_is_neither_later_nor_twice(lineage, record, registered):
    record(run(FIRST, [dataset({}, "local", "1f")]), ANN)
    assert later(lineage) == ""

    for day in range(3):
        record(run(FIRST, [dataset({}, "local", "2f")]), ANN, NOON + timedelta(days=day))

    assert later(lineage).count("first seen") == 1


def test_a_changed_value_does_not_join_the_first_one(lineage, record, registered):
    record(run(FIRST | {"handrail.git_dirty": "true", "handrail.git_commit": "d" * 40}))

    attributes = lineage.show(RUN).node.attributes
    assert attributes["git_dirty"] == "false"
    assert "git_dirty = true" in attributes["later"]


def test_a_new_name_of_the_run_is_no_change_of_what_made_the_model(lineage, record, registered):
    record(run(FIRST, [dataset({}, "local", "1f")], run_name="better name"))

    assert later(lineage) == ""
    assert "better name" in lineage.show(RUN).node.attributes["run_name"]


def test_a_run_that_goes_on_after_its_model_was_registered_is_complete_when_it_ends(lineage, record):
    record(run(FIRST, status="RUNNING", end_time=None))
    register(lineage)

    record(run(FIRST, [dataset({}, "local", "1f")]))
    assert versions_of_run(lineage, RUN) == [VERSION]
    register(lineage)
    record(run(FIRST, [dataset({}, "local", digest) for digest in ("1f", "2f")]))

    assert DATA in causes(lineage)
    assert "train@2f" in later(lineage)


def test_a_run_that_is_left_open_is_complete_when_its_version_has_a_permit(lineage, record):
    record(run(FIRST, status="RUNNING", end_time=None))
    register(lineage)
    allowed = artifact_at("approval://local/pr-1", f"sha256:{SHA256}")
    tree = f"sha256:{SHA256}"
    lineage.record_permit(allowed, VERSION, tree_digest=tree, policy_digest=tree, approvers=["actor://local/bea"])
    register(lineage)

    record(run(FIRST, [dataset({}, "local", "2f")], status="RUNNING", end_time=None))

    assert "train@2f" in later(lineage)
    assert DATA.replace("1f", "2f") not in causes(lineage)


def test_a_run_without_a_version_may_grow(lineage, record):
    record(run(FIRST))
    record(run(FIRST, [dataset({}, "local", "1f")]))

    assert DATA in causes(lineage, RUN)
    assert versions_of_run(lineage, RUN) == []
    assert versions_of_run(lineage, "mlflow://local/run/unknown") == []


def test_the_record_of_a_parent_is_complete_with_that_of_its_child(lineage, record):
    record(run({"mlflow.parentRunId": "r0"}))
    record(run({}, run_id="r0"))
    register(lineage)

    record(run({"handrail.git_commit": "d" * 40}, run_id="r0"))

    assert f"git://shop/{'d' * 40}" not in causes(lineage)
    assert "later" in lineage.show("mlflow://local/run/r0").node.attributes


def test_a_new_name_of_the_repository_changes_nothing(lineage, record, registered):
    renamed = {"handrail.repository": "store", "handrail.git_commit": COMMIT, "handrail.git_dirty": "false"}

    record(run(FIRST | renamed, [dataset({}, "local", "1f")]))

    assert later(lineage) == ""


def test_nothing_is_completed_for_a_version_that_lineage_does_not_know(lineage):
    assert list(records_of_closing(lineage, ["mlflow://local/registered/prompt/1/1"], NOON)) == []
