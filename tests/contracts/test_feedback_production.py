"""What every `ProductionPages` promises: tags of exactly that version, and what a mirror writes there."""

import pytest

from handrail.errors import UnknownReference
from handrail.feedback.adapters.mlflow_production import MlflowProduction
from handrail.feedback.domain.production import Registered, served_by
from handrail.feedback.domain.values import DeploymentRecord
from handrail.feedback.service import Mirror
from tests.fakes.feedback import DEPLOYMENT, GO_LIVE, a_log, a_prediction, an_outcome
from tests.fakes.feedback_production import MemoryProduction
from tests.fakes.mlflow_database import with_tables


@pytest.fixture(params=["memory", "mlflow"])
def world(request, tmp_path):
    """Lend pages, a version with the tag `kept`, and what reads its tags."""
    if request.param == "memory":
        version = Registered("flights", 17, 1)
        pages = MemoryProduction({version: {"kept": "yes"}})
        return pages, version, lambda: pages.versions[version]
    from mlflow import MlflowClient

    uri = with_tables(tmp_path / "mlflow.db")
    client = MlflowClient(tracking_uri=uri, registry_uri=uri)
    epoch = client.create_registered_model("flights").creation_timestamp
    client.create_model_version("flights", str(tmp_path), tags={"kept": "yes"})
    return (
        MlflowProduction(lambda: client),
        Registered("flights", epoch, 1),
        lambda: client.get_model_version("flights", "1").tags,
    )


def test_tags_are_those_of_the_last_call_and_others_stay(world):
    pages, version, tags = world

    pages.put(version, {"production.a": "1", "production.b": "2"})
    pages.put(version, {"production.a": "3"})

    assert tags() == {"kept": "yes", "production.a": "3", "production.b": "2"}


def test_a_version_whose_model_is_known_by_name_alone_is_found(world):
    pages, version, tags = world

    pages.put(version._replace(epoch=0), {"production.a": "1"})

    assert tags() == {"kept": "yes", "production.a": "1"}
    assert served_by([DeploymentRecord("deploy://local/flights/1", None, "models:/flights/1")]) == {
        version._replace(epoch=0): ("deploy://local/flights/1",)
    }


def test_a_version_that_is_gone_or_of_another_model_of_that_name_is_refused(world):
    pages, version, tags = world

    for other in (version._replace(version=2), version._replace(epoch=version.epoch + 1)):
        with pytest.raises(UnknownReference, match="flights/"):
            pages.put(other, {"production.a": "1"})

    assert tags() == {"kept": "yes"}


def test_a_mirror_shows_the_mature_figure_beside_the_naive_one(world):
    pages, version, tags = world
    log, made = a_log(), [a_prediction(hour, label=1) for hour in (0, 1, 90)]
    uri = f"mlflow://local/registered/{version.name}/{version.epoch}/{version.version}"
    log.register_deployment(DEPLOYMENT, None, uri)
    log.record_predictions([*made, a_prediction(2, deployment="deploy://local/other/1", prediction_id="o", label=0)])
    log.record_feedback([an_outcome(each, value) for each, value in zip(made, (1.0, 1.0, 0.0), strict=True)])

    written = Mirror(log, pages).show(a_prediction(100).made_at)

    shown = {key.removeprefix("production.ground_truth."): value for key, value in tags().items()}
    assert written == {version: 14}
    assert (shown["accuracy"], shown["accuracy_so_far"], shown["coverage"]) == ("1", "0.666667", "1")
    assert (shown["predictions_read"], shown["delay_p90_h"], shown["kept"]) == ("3", "5.5", "yes")
    assert Mirror(log, pages).show(GO_LIVE.replace(year=2012)) == {}
