"""What is said of a version after its registration: shown as said later, and no part of its record."""

from datetime import UTC, datetime, timedelta

import pytest

from handrail.entrypoints.mlflow.collect import Registered, keep_first_of_versions, records_of_version
from handrail.lineage.domain.names import artifact_at
from handrail.refs import ArtifactVersion
from tests.fakes.lineage import open_in_memory
from tests.fakes.mlflow_entities import NAMING, version

VERSION, RENAMED = "mlflow://local/registered/m/9/3", "mlflow://local/registered/n/9/3"
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
ANN = "actor://local/ann"
SERVICE = {"handrail.feature_service": "s"}
SPEC = "handrail.feature_service_spec"


@pytest.fixture
def lineage():
    return open_in_memory()


@pytest.fixture
def record(lineage):
    """Records a version as it is now, by who is logged in."""

    def call(tags, by=None, at=NOON, source="runs:/r1/m", earlier=None):
        entity = version(source)
        entity.tags, entity.name = tags, "n" if earlier else "m"
        things = [("version", records_of_version(NAMING, Registered(entity, 9, tree="sha256:" + "a" * 64), {}.get))]
        ((_, records),) = keep_first_of_versions(lineage, things, at, by, earlier)
        for each in records:
            each.record(lineage)

    return call


def said(lineage, uri=VERSION):
    return lineage.show(uri).node.attributes


@pytest.mark.parametrize("source", ["runs:/r1/m", "models:/m-1", "s3://elsewhere/m"])
@pytest.mark.parametrize("before", [{}, SERVICE])
def test_a_tag_that_is_set_after_the_registration_is_shown_as_later_and_by_whom(lineage, record, source, before):
    record(before, source=source)
    first = {name: value for name, value in said(lineage).items() if name != "later"}

    record({**before, SPEC: "f" * 64}, ANN, NOON + timedelta(days=1), source)

    later = f"{SPEC} = {'f' * 64}; first seen {(NOON + timedelta(days=1)).isoformat()}, {ANN}"
    assert said(lineage) == first | {"later": later}


def test_another_value_does_not_join_the_first_one(lineage, record):
    record({SPEC: "a" * 64})
    record({SPEC: "b" * 64})

    assert said(lineage)[SPEC] == "a" * 64
    assert said(lineage)["later"].startswith(f"{SPEC} = {'b' * 64}; first seen")
    assert said(lineage)["later"].endswith("MLflow does not keep by whom")


def test_the_same_again_and_a_removed_tag_are_nothing_new_and_what_came_later_is_said_once(lineage, record):
    record(SERVICE)
    record(SERVICE, ANN)
    record({}, ANN)
    assert "later" not in said(lineage)

    for day in range(3):
        record({**SERVICE, SPEC: "f" * 64}, ANN, NOON + timedelta(days=day))

    assert said(lineage)["later"].count("first seen") == 1


def test_a_version_that_others_named_before_its_registration_is_recorded_whole(lineage, record):
    lineage.derive(ArtifactVersion(VERSION, "model-version", None, {"colour": "red"}), artifact_at("file://a"))

    record(SERVICE)

    assert said(lineage)["handrail.feature_service"] == "s"
    assert "later" not in said(lineage)


def test_another_name_of_the_model_makes_no_evidence_of_what_came_later(lineage, record):
    record(SERVICE)
    record({**SERVICE, SPEC: "f" * 64}, ANN)

    for _ in range(2):
        record({**SERVICE, SPEC: "f" * 64}, earlier={RENAMED: VERSION})

    assert SPEC not in said(lineage, RENAMED)
    assert said(lineage, RENAMED)["handrail.feature_service"] == "s"
    assert said(lineage, RENAMED)["later"] == said(lineage)["later"]
