"""Collecting completes what no list shows: deleted runs and experiments, parents; and says what it could not read."""

import pytest
from mlflow import MlflowClient
from mlflow.entities import LoggedModelInput

from handrail.clock import system_time
from handrail.entrypoints.mlflow.collect import Naming
from handrail.entrypoints.mlflow.collect.collecting import Collector, Wanted
from handrail.entrypoints.mlflow.collect.reading import Reader
from handrail.entrypoints.mlflow.collect.writing import Writer
from tests.fakes.lineage import open_in_memory
from tests.fakes.mlflow_client import LimitedClient

NAMING = Naming("local", "shop", "test")


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    folder = tmp_path_factory.mktemp("store")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")
        uri = f"sqlite:///{folder / 'mlflow.db'}"
        patch.setenv("MLFLOW_TRACKING_URI", uri)
        # MLflow prefers what an earlier test of this process may have set.
        patch.setattr("mlflow.tracking._tracking_service.utils._tracking_uri", uri)
        patch.setattr("mlflow.tracking._model_registry.utils._registry_uri", uri)
        client = MlflowClient(uri, uri)
        client.folder = folder
        yield client


@pytest.fixture
def made(client, request):
    """Runs, versions and experiments of one test, with names of its own."""
    return Made(client, request.node.name)


class Made:
    def __init__(self, client, name):
        self.client, self.name, self.commits = client, name, iter("123456789abcdef")
        self.experiment = self.new_experiment(name)

    def new_experiment(self, name):
        return self.client.create_experiment(name, artifact_location=str(self.client.folder / name))

    def run(self, experiment=None, read=(), **tags):
        commit = next(self.commits) * 40
        run = self.client.create_run(
            experiment or self.experiment, tags={"handrail.git_commit": commit, "handrail.git_dirty": "false"} | tags
        )
        if read:
            self.client.log_inputs(run.info.run_id, models=[LoggedModelInput(each) for each in read])
        self.client.set_terminated(run.info.run_id)
        return run.info.run_id, f"git://shop/{commit}"

    def version(self, run_id, source=None):
        if not self.client.search_registered_models(f"name = '{self.name}'"):
            self.client.create_registered_model(self.name)
        return self.client.create_model_version(self.name, source or f"runs:/{run_id}/model", run_id)


def collect(client, lineage=None, **wanted):
    lineage = lineage or open_in_memory()
    collector = Collector(Reader(client), Writer(lineage), NAMING, system_time, lambda _version: None)
    return lineage, collector.collect(Wanted(**wanted))


def causes(lineage, name, version=1):
    return {node.uri for node in lineage.trace(f"{name}/{version}").nodes}


@pytest.mark.parametrize("is_experiment", [True, False])
def test_a_version_of_a_deleted_run_leads_to_its_commit(client, made, is_experiment):
    run, commit = made.run()
    made.version(run)
    if is_experiment:
        client.delete_experiment(made.experiment)
    else:
        client.delete_run(run)

    lineage, found = collect(client)

    assert commit in causes(lineage, made.name)
    assert not found.refused
    assert not [each for each in found.missing if run in each]


def test_a_deleted_run_of_no_version_is_left_until_it_is_restored(client, made):
    run, commit = made.run()
    client.delete_run(run)
    lineage, _ = collect(client)
    assert not lineage.recorded([NAMING.run(run)]).nodes

    client.restore_run(run)
    collect(client, lineage)

    assert commit in {node.uri for node in lineage.trace(NAMING.run(run)).nodes}


def test_deleting_and_restoring_changes_no_record(client, made):
    run, _ = made.run()
    made.version(run)
    lineage, _ = collect(client)
    before = lineage.trace(f"{made.name}/1")
    for change in (client.delete_run, client.restore_run):
        change(run)
        collect(client, lineage)

    assert lineage.trace(f"{made.name}/1") == before


def test_a_child_run_leads_to_its_parent_and_the_parent_to_no_other_child(client, made):
    parent, parents = made.run()
    child, childs = made.run(**{"mlflow.parentRunId": parent})
    _, others = made.run(**{"mlflow.parentRunId": parent})
    made.version(child)

    found = causes(collect(client)[0], made.name)

    assert {parents, childs} <= found
    assert others not in found


@pytest.mark.parametrize("filtered", [True, False])
def test_a_deleted_parent_is_followed_within_the_chosen_experiments(client, made, filtered):
    parent, parents = made.run()
    child, _ = made.run(**{"mlflow.parentRunId": parent})
    made.version(child)
    client.delete_run(parent)

    lineage, _ = collect(client, experiments=(made.name,) if filtered else ())

    assert parents in causes(lineage, made.name)


def test_a_version_of_a_model_that_was_read_and_whose_run_was_deleted_leads_back_to_it(client, made):
    maker, makers = made.run()
    model = client.create_logged_model(made.experiment, "m", source_run_id=maker)
    tuner, _ = made.run(made.new_experiment(f"{made.name}-2"), read=[model.model_id])
    made.version(tuner)
    client.delete_run(maker)

    assert makers in causes(collect(client)[0], made.name)


def test_a_version_of_a_logged_model_leads_to_the_deleted_run_that_made_it(client, made):
    maker, makers = made.run()
    model = client.create_logged_model(made.experiment, "m", source_run_id=maker)
    client.create_registered_model(made.name)
    client.create_model_version(made.name, f"models:/{model.model_id}", None, model_id=model.model_id)
    client.delete_run(maker)

    assert makers in causes(collect(client)[0], made.name)


def test_a_parent_that_mlflow_no_longer_has_is_named_and_refuses_nothing(client, made):
    run, commit = made.run(**{"mlflow.parentRunId": "0" * 32})
    made.version(run)

    lineage, found = collect(client)

    assert commit in causes(lineage, made.name)
    assert f"run {'0' * 32}: MLflow does not have it any more" in found.missing
    assert not found.refused


@pytest.mark.parametrize("trouble", ["hidden", "damaged"])
def test_a_run_that_cannot_be_read_is_named_and_the_rest_collected(client, made, trouble):
    (bad, _), (good, commit) = made.run(), made.run()
    made.version(bad)
    made.version(good)

    lineage, found = collect(LimitedClient(client, **{trouble: [bad]}))

    assert commit in causes(lineage, made.name, 2)
    assert [sentence.partition(":")[0] for sentence in found.refused] == [f"run {bad}"]


def test_an_experiment_that_cannot_be_searched_costs_no_other(client, made):
    other = made.new_experiment(f"{made.name}-2")
    made.run(other)
    run, _ = made.run()

    lineage, found = collect(LimitedClient(client, hidden=[other]))

    assert lineage.recorded([NAMING.run(run)]).nodes
    assert any(sentence.startswith(f"runs of experiment {other}: ") for sentence in found.refused)


def test_an_alias_of_a_model_that_is_hidden_is_not_taken_for_gone(client, made):
    run, _ = made.run()
    made.version(run)
    client.set_registered_model_alias(made.name, "best", 1)
    name = f"mlflow alias {made.name}@best"
    lineage, _ = collect(client)

    _, found = collect(LimitedClient(client, hidden=[made.name]), lineage)

    assert lineage.pointer_at(name, system_time()).target
    assert any(sentence.startswith(f"model {made.name}: ") for sentence in found.refused)
    client.delete_registered_model(made.name)
    collect(client, lineage)
    assert lineage.pointer_at(name, system_time()).target is None


def test_what_was_added_to_a_run_after_its_model_was_registered_is_later(client, made):
    run, _ = made.run()
    made.version(run)
    lineage, _ = collect(client)
    client.set_tag(run, "handrail.git_commit", "e" * 40)
    client.log_metric(run, "auc", 1.0)

    collect(client, lineage)

    assert f"git://shop/{'e' * 40}" not in causes(lineage, made.name)
    assert f"git://shop/{'e' * 40}; first seen " in lineage.show(NAMING.run(run)).node.attributes["later"]


def test_what_was_collected_in_one_transaction_is_what_was_collected_one_by_one(client, made, monkeypatch):
    for _ in range(5):
        made.version(made.run()[0])
    whole, _ = collect(client)
    monkeypatch.setattr("handrail.entrypoints.mlflow.collect.tracking.BATCH", 1)
    monkeypatch.setattr("handrail.entrypoints.mlflow.collect.reading.BATCH", 2)

    single, _ = collect(client)

    for version in range(1, 6):
        assert causes(whole, made.name, version) == causes(single, made.name, version)
