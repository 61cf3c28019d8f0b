"""How a model to reproduce is named, and what is recorded of a reproduction."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import pytest

from handrail.errors import UnknownReference
from handrail.lineage import AmbiguousReference, tree_uri
from handrail.refs import GitCommit, ModelAlias, ModelVersion
from handrail.reproduction.domain.environments import EnvironmentCheck, PackageDifference
from handrail.reproduction.domain.results import Compared, Conclusion, Grade, Part, Predictions, Result
from handrail.reproduction.service.models import Models
from tests.fakes.lineage import open_in_memory
from tests.fakes.reproduction_world import World

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
FLIGHTS = [ModelVersion("registry", "flights", 17, number).uri for number in (1, 3, 13)]
ANOTHER = ModelVersion("registry", "late flights", 18, 3).uri


@dataclass
class Known:
    """What lineage holds, by the beginning of a URI."""

    uris: list[str]

    def find(self, prefix, most):
        return [uri for uri in self.uris if uri.startswith(prefix)][:most]


@pytest.fixture
def known():
    return Known([*FLIGHTS, ANOTHER, ModelVersion("elsewhere", "flights", 2, 4).uri])


@pytest.fixture
def models(known):
    return Models(open_in_memory(), known.find, "registry", "shop")


@pytest.mark.parametrize("name", ["flights/3", "models:/flights/3"])
def test_a_version_is_found_by_its_model_and_number(models, name):
    assert models.uri(name, NOON) == FLIGHTS[1]


def test_a_name_with_a_space_is_found_as_mlflow_writes_it(models):
    assert models.uri("models:/late flights/3", NOON) == ANOTHER


@pytest.mark.parametrize("name", ["flights/2", "flights/4", "other/1", "models:/flights/0"])
def test_a_version_that_this_server_never_registered_is_refused(models, name):
    with pytest.raises(UnknownReference, match=name.removeprefix("models:/")):
        models.uri(name, NOON)


def test_a_model_that_was_deleted_and_made_again_has_two_versions_of_a_number(models, known):
    again = ModelVersion("registry", "flights", 99, 3).uri
    known.uris.append(again)

    with pytest.raises(AmbiguousReference) as caught:
        models.uri("flights/3", NOON)

    assert caught.value.candidates == (FLIGHTS[1], again)


@pytest.mark.parametrize("name", ["flights@champion", "models:/flights@champion"])
def test_an_alias_is_what_it_pointed_at_at_the_moment(models, name):
    for hours, version in ((0, FLIGHTS[0]), (2, FLIGHTS[1]), (4, None)):
        models.lineage.point(
            ModelAlias("flights", "champion").pointer, version, NOON + timedelta(hours=hours), by="actor://s/bob"
        )

    assert [models.uri(name, NOON + timedelta(hours=hours)) for hours in (1, 3)] == FLIGHTS[:2]
    for gone in (-1, 5):
        with pytest.raises(UnknownReference, match="alias"):
            models.uri(name, NOON + timedelta(hours=gone))


@pytest.mark.parametrize("name", [FLIGHTS[0], tree_uri("sha256:" + "a" * 64), "prediction-1"])
def test_anything_else_stays_what_it_is(models, name):
    assert models.uri(name, NOON) == name


@pytest.fixture
def reproduction(tmp_path):
    found = World(tmp_path).run()
    return replace(found, environment=None, predictions=None)


def test_a_reproduction_is_recorded_with_the_model_its_tree_and_the_commit(models, reproduction):
    uri = models.record(reproduction, NOON, NOON + timedelta(minutes=5))

    recorded, commit = reproduction.plan.recorded, reproduction.plan.place.commit
    shown = models.lineage.show(uri)
    assert uri.startswith("reproduction://shop/")
    assert {edge.cause for edge in shown.causes} == {
        recorded.version,
        tree_uri(recorded.tree),
        GitCommit("shop", commit).uri,
    }
    assert shown.effects == ()
    assert shown.node.attributes["verdict"] == "reproduced"


def test_a_tree_without_a_version_is_recorded_as_well(models, reproduction):
    plan = replace(reproduction.plan, recorded=replace(reproduction.plan.recorded, version=""))

    uri = models.record(replace(reproduction, plan=plan), NOON, NOON)

    assert len(models.lineage.show(uri).causes) == 2


def test_the_same_reproduction_is_one_and_another_is_another(models, reproduction):
    first = models.record(reproduction, NOON, NOON)

    assert models.record(reproduction, NOON, NOON + timedelta(hours=1)) == first
    assert models.record(reproduction, NOON + timedelta(hours=1), NOON + timedelta(hours=1)) != first
    other = replace(reproduction, conclusion=Conclusion(Result.DIFFERS))
    assert models.record(other, NOON, NOON) != first


def test_what_differs_is_recorded_with_it(models, reproduction):
    first = Compared("train", Part.MODEL, "models/trained", "a", "b", Grade.DIFFERS)
    differing = replace(
        reproduction,
        conclusion=Conclusion(Result.DIFFERS, first),
        environment=EnvironmentCheck(("requirements.lock",), 2, (PackageDifference("numpy", "2", ""),)),
        predictions=Predictions(30, "rows.parquet", 0.12345, 1),
    )

    attributes = models.lineage.show(models.record(differing, NOON, NOON)).node.attributes

    assert {name: attributes[name] for name in attributes if not name.startswith(("started", "ended"))} == {
        "verdict": "differs",
        "first_difference": "models/trained",
        "packages_differ": "1",
        "rows_scored": "30",
        "predictions_max_difference": "0.123",
    }
