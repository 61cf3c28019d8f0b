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
