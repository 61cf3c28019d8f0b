"""The direct path: of each sort of thing the one nearest the start, whatever tools a project uses."""

from dataclasses import replace

import pytest

from handrail.lineage.domain.direct_path import direct_path
from handrail.lineage.domain.names import artifact_at
from handrail.refs import Deployment, ModelVersion, TrackingRun
from tests.fakes.lineage import BENTO, COMMIT, DEPLOYMENT, PERMIT, RUN, VERSION, open_in_memory, open_story

TREE = "sha256:" + "5e" * 32


@pytest.fixture
def lineage():
    return open_story()


def stations(steps):
    return [step.station for step in steps]


def test_the_path_leads_from_the_deployment_to_the_commit(lineage):
    steps = direct_path(lineage.trace("p1"))

    assert stations(steps) == [
        "deployment",
        "bento",
        "permit",
        "model-version",
        "run",
        "training-data",
        "features",
        "validation",
        "raw-data",
        "git-commit",
    ]
    assert [step.node.uri for step in steps][:5] == [DEPLOYMENT.uri, BENTO.uri, PERMIT.uri, VERSION.uri, RUN.uri]
    assert steps[-1].node.uri == f"git://shop/{COMMIT}"
    assert steps[0].via is None
    assert all(step.via for step in steps[1:])


def test_code_is_no_raw_data_and_a_folder_represents_its_files(lineage):
    raw = next(step for step in direct_path(lineage.trace("p1")) if step.station == "raw-data")

    assert [node.attributes["path"] for node in raw.nodes] == ["data/raw"]
    assert raw.parts == 2


def test_a_folder_of_code_is_no_raw_data():
    lineage = open_in_memory()
    code = artifact_at("dvc://shop/lib@c1.dir", "sha256:" + "c1" * 32)
    file = artifact_at("dvc://shop/lib/a.py@c2", "sha256:" + "c2" * 32)
    raw = artifact_at("s3://lake/orders@7", "sha256:" + "c3" * 32)
    lineage.derive(_with_path(code, "lib"), _with_path(file, "lib/a.py"))
    lineage.record_activity("openlineage-run://train", "run", used=[_with_path(code, "lib"), raw], generated=[])

    steps = direct_path(lineage.trace("openlineage-run://train"))

    assert [(step.station, step.node.uri) for step in steps] == [
        ("run", "openlineage-run://train"),
        ("raw-data", raw.uri),
    ]


def _with_path(artifact, path):
    return replace(artifact, attributes={"path": path})


def test_of_two_versions_the_nearest_is_on_the_path(lineage):
    older, run = ModelVersion("registry", "flights", 17, 0), TrackingRun("registry", "run-0")
    lineage.record_registration(older, tree_digest=TREE, run=run)
    lineage.record_activity(RUN, "tracking-run", used=[artifact_at(older.uri, TREE)])

    path = {step.station: step.node.uri for step in direct_path(lineage.trace("p1"))}

    assert (path["model-version"], path["run"]) == (VERSION.uri, RUN.uri)


def test_a_service_without_a_bento_leads_straight_to_its_version():
    lineage = open_in_memory()
    version, deployment = ModelVersion("registry", "espresso", 4, 3), Deployment("production", "espresso", "7")
    lineage.record_serving(deployment, version)
    lineage.record_registration(version, tree_digest=TREE, run=TrackingRun("registry", "r"))
    lineage.record_tracking_run(TrackingRun("registry", "r"), used=[artifact_at("s3://lake/beans@4", TREE)])

    steps = direct_path(lineage.trace(deployment.uri))

    assert stations(steps) == ["deployment", "model-version", "run", "training-data"]
    assert steps[-1].node.uri == "s3://lake/beans@4"


def test_what_others_state_about_an_approval_is_not_on_the_path():
    lineage = open_in_memory()
    forged = artifact_at("approval://registry/request-9", "sha256:" + "6f" * 32)
    lineage.derive(forged, artifact_at(VERSION.uri, TREE), asserted_by="somebody")
    lineage.derive(artifact_at(BENTO.uri), forged, asserted_by="somebody")

    steps = direct_path(lineage.trace(BENTO.uri))

    assert "model-version" not in stations(steps), "a permit that the gate does not know leads nowhere"


def test_data_without_a_model_has_a_path_too(lineage):
    steps = direct_path(lineage.trace("data/validated"))

    assert stations(steps) == ["start", "run", "validation", "raw-data", "git-commit"]


def test_a_thing_without_causes_is_a_path_of_itself(lineage):
    commit = direct_path(lineage.trace(f"git://shop/{COMMIT}"))

    assert [(step.station, step.via) for step in commit] == [("git-commit", None)]
