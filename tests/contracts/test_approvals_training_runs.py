"""`TrainingRuns`: the same promises by the fake and by a store of MLflow."""

import json

import pytest

from handrail.approvals.adapters.mlflow_evidence_files import MlflowEvidenceFiles
from handrail.approvals.adapters.mlflow_training_runs import IMPORTANCES, MlflowTrainingRuns
from handrail.approvals.domain.sides import Dataset, NamedFeatures, RunFacts
from handrail.errors import UnknownReference
from tests.fakes.approvals_differences import FakeRuns
from tests.fakes.mlflow_database import with_tables

FULL = RunFacts(
    "run",
    {"trees": "100", "feature_service": "flights_v1", "feature_service_spec_hash": "f" * 64},
    "a" * 40,
    True,
    (Dataset("training", "flights-train", "md5:" + "1" * 32, 39710),),
    NamedFeatures("flights_v1", "sha256:" + "f" * 64),
    {"distance": 0.5, "carrier": -0.1},
)


class Memory:
    """Runs in the fake."""

    def __init__(self):
        self.runs = FakeRuns()

    def log(self, facts):
        self.runs.runs["run"] = facts
        return "run"


class Store:
    """Runs in a real tracking store."""

    def __init__(self, folder):
        from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

        self.folder = folder / "artifacts"
        self.store = SqlAlchemyStore(with_tables(folder / "server.db"), "mlflow-artifacts:/")
        self.runs = MlflowTrainingRuns(lambda: self.store, MlflowEvidenceFiles(lambda: self.store, self.folder))

    def create(self):
        return self.store.create_run("0", "ada", 0, [], "run").info.run_id

    def log(self, facts):
        run_id = self.create()
        clean = {None: {}, True: {"handrail.git_dirty": "false"}, False: {"handrail.git_dirty": "true"}}
        tags = clean[facts.clean] | ({"handrail.git_commit": facts.commit} if facts.commit else {})
        self.write(run_id, tags, facts.parameters)
        for each in facts.datasets:
            source = json.dumps({"uri": "dvc://x", "md5": each.digest.removeprefix("md5:")})
            self.dataset(run_id, source, json.dumps({"num_rows": each.rows}), each)
        if facts.importances:
            listed = [{"feature": name, "value": value} for name, value in facts.importances.items()]
            self.weights(run_id, json.dumps(listed).encode())
        return run_id

    def write(self, run_id, tags, parameters):
        from mlflow.entities import Param, RunTag

        self.store.log_batch(
            run_id,
            metrics=[],
            params=[Param(name, text) for name, text in parameters.items()],
            tags=[RunTag(name, text) for name, text in tags.items()],
        )

    def dataset(self, run_id, source, profile, named=FULL.datasets[0]):
        from mlflow.entities import Dataset as Logged
        from mlflow.entities import DatasetInput, InputTag

        # MLflow keeps one dataset for each name and digest of an experiment, as it was logged first.
        logged = Logged(named.name, run_id, "dvc", source, None, profile)
        self.store.log_inputs(run_id, [DatasetInput(logged, [InputTag("mlflow.data.context", named.context)])])

    def weights(self, run_id, content):
        file = self.folder / "0" / run_id / "artifacts" / IMPORTANCES
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """One database for all: to make it takes seconds."""
    return Store(tmp_path_factory.mktemp("tracking"))


@pytest.fixture(params=["memory", "store"])
def world(request):
    return request.getfixturevalue("store") if request.param == "store" else Memory()


@pytest.mark.parametrize("facts", [FULL, RunFacts("run"), RunFacts("run", clean=False)])
def test_a_run_is_read_as_it_was_logged(world, facts):
    found = world.runs.run(world.log(facts))

    for part in ("parameters", "commit", "clean", "datasets", "service", "importances"):
        assert getattr(found, part) == getattr(facts, part), part


def test_a_run_that_is_not_there_is_named(world):
    with pytest.raises(UnknownReference):
        world.runs.run("0" * 32)


@pytest.mark.parametrize(
    ("source", "profile"),
    [("", ""), ("[1]", "[]"), ("{", "nonsense"), ('{"md5": 7}', '{"num_rows": "many"}'), ("[" * 9000, "[" * 9000)],
)
def test_whatever_a_dataset_says_it_can_be_read(store, source, profile):
    run_id = store.create()
    store.dataset(run_id, source, profile)

    (dataset,) = store.runs.run(run_id).datasets

    assert dataset == Dataset("training", "flights-train", run_id, None)


@pytest.mark.parametrize(
    "content",
    [b"", b"{}", b"[1, 2]", b"\xff", b'[{"feature": "x"}]', b'[{"feature": "x", "value": NaN}]', b"[" * 100_000],
)
def test_whatever_lies_in_place_of_importances_it_can_be_read(store, content):
    run_id = store.create()
    store.weights(run_id, content)

    assert store.runs.run(run_id).importances is None


def test_importances_of_a_number_too_large_for_a_float_are_left_out(store):
    run_id = store.create()
    store.weights(run_id, b'[{"feature": "x", "value": 1' + b"0" * 400 + b'}, {"feature": "y", "value": 2}]')

    assert store.runs.run(run_id).importances == {"y": 2.0}


def test_mlflows_own_tags_name_the_commit_where_ours_do_not(store):
    run_id = store.create()
    store.write(run_id, {"mlflow.source.git.commit": "b" * 40, "mlflow.source.git.dirty": "True"}, {})

    found = store.runs.run(run_id)

    assert (found.commit, found.clean) == ("b" * 40, False)
