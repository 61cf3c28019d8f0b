"""What lineage knows of a model: its tree, the stage that wrote it, and the commit."""

import pytest

from handrail.errors import UnknownReference
from handrail.lineage.domain.facts import ActivityDetails
from handrail.lineage.domain.names import artifact_at
from handrail.reproduction.domain.recorded import recorded_model
from tests.fakes.lineage import COMMIT, PERMIT, RUN, VERSION, open_in_memory, story


@pytest.fixture
def lineage(tmp_path):
    lineage = open_in_memory({})
    for call in story(tmp_path):
        call(lineage)
    return lineage


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
