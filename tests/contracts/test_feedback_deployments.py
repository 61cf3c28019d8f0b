"""What every `DeploymentBook` promises."""

from dataclasses import replace

import pytest

from handrail.errors import Conflict
from handrail.feedback.domain.values import DeploymentRecord
from tests.fakes.feedback import DEPLOYMENT, GO_LIVE, a_prediction
from tests.fakes.feedback_store import DATABASES, stores_of

RECORD = DeploymentRecord(DEPLOYMENT, "sha256:1", "mlflow://s/registered/flights/1/1", "bento://flights/1", GO_LIVE)


@pytest.fixture(params=["memory", *DATABASES])
def stores(request, tmp_path):
    with stores_of(request.param, tmp_path) as stores:
        yield stores


def test_registering_twice_changes_nothing(stores):
    stores.deployments.register(RECORD)
    stores.deployments.register(RECORD)

    assert stores.deployments.all() == (RECORD,)


def test_other_facts_about_the_same_deployment_are_a_conflict(stores):
    stores.deployments.register(RECORD)

    with pytest.raises(Conflict, match="deploy://local/flights/1"):
        stores.deployments.register(replace(RECORD, tree_digest="sha256:2"))

    assert stores.deployments.all() == (RECORD,)


def test_a_deployment_known_by_its_predictions_gets_its_facts_later(stores):
    stores.predictions.append([a_prediction()])
    bare = stores.deployments.all()

    stores.deployments.register(RECORD)

    assert bare == (DeploymentRecord(DEPLOYMENT),)
    assert stores.deployments.all() == (RECORD,)
    assert stores.predictions.count([DEPLOYMENT]) == {DEPLOYMENT: 1}


def test_a_digest_may_come_later_than_the_model_and_then_stands(stores):
    bare = DeploymentRecord(DEPLOYMENT, None, RECORD.model_version_uri)
    stores.deployments.register(bare)
    stores.deployments.register(bare)
    before = stores.deployments.all()

    stores.deployments.register(replace(bare, tree_digest="sha256:1"))

    assert (before, stores.deployments.all()) == ((bare,), (replace(bare, tree_digest="sha256:1"),))
    with pytest.raises(Conflict):
        stores.deployments.register(bare)


def test_another_model_is_a_conflict_with_and_without_a_digest(stores):
    bare = DeploymentRecord(DEPLOYMENT, None, RECORD.model_version_uri)
    stores.deployments.register(bare)

    for digest in (None, "sha256:2"):
        with pytest.raises(Conflict):
            stores.deployments.register(
                replace(bare, tree_digest=digest, model_version_uri="mlflow://s/registered/flights/1/2")
            )

    assert stores.deployments.all() == (bare,)
