"""The promises of `LoggedModels`, kept by MLflow and by the fake."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from handrail.errors import Unavailable
from handrail.reproduction.adapters.mlflow_models import MlflowModels
from tests.fakes.reproduction import contents
from tests.fakes.reproduction_models import FakeModels

VERSION = "mlflow://test/registered/the%20toys/17/{number}"
LOG = """
import sys, mlflow
from pathlib import Path
for name in sys.argv[2:]:
    client = mlflow.MlflowClient()
    folder = Path(sys.argv[1]) / name; folder.mkdir(exist_ok=True)
    (folder / "MLmodel").write_text(name); (folder / "deep").mkdir(exist_ok=True)
    (folder / "deep" / "weights").write_bytes(name.encode())
    model = client.create_logged_model("0", name)
    client.log_model_artifacts(model.model_id, str(folder))
    client.finalize_logged_model(model.model_id, "READY")
    mlflow.register_model(f"models:/{model.model_id}", "the toys")
"""


def files_of(name):
    return {"MLmodel": name.encode(), "deep/weights": name.encode()}


class Memory:
    """The fake; models are also its server's versions."""

    environment: dict[str, str] = {}

    def __init__(self, folder):
        self.models = FakeModels()

    def log(self, *names):
        for name in names:
            number = len(self.models.store) + 1
            self.models.store[f"m-{number}"] = (name, files_of(name))
            self.models.versions[VERSION.format(number=number)] = files_of(name)


class Mlflow:
    """A store in a file."""

    def __init__(self, folder):
        self.folder = folder
        uri = f"sqlite:///{folder / 'store' / 'mlflow.db'}"
        self.environment = {"MLFLOW_TRACKING_URI": uri, "MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "true"}
        self.models = MlflowModels(lambda: uri)

    def log(self, *names):
        (self.folder / "tmp").mkdir(exist_ok=True)
        command = [sys.executable, "-c", LOG, str(self.folder / "tmp"), *names]
        own = {**os.environ, **self.environment}
        subprocess.run(command, env=own, cwd=self.folder, check=True, capture_output=True)


@pytest.fixture(params=[Memory, Mlflow])
def world(request, tmp_path):
    return request.param(tmp_path)


def test_models_that_were_logged_since_are_taken_with_their_names_in_order(world, tmp_path):
    python = Path(sys.executable)
    assert world.models.known(python, world.environment) == frozenset()
    world.log("before")
    known = world.models.known(python, world.environment)
    world.log("slope", "other")

    for _ in range(2):  # the second time over what an interrupted run left
        taken = world.models.take(python, world.environment, known, tmp_path / "taken")
        assert [name for name, _ in taken] == ["slope", "other"]
        assert [contents(place) for _, place in taken] == [files_of("slope"), files_of("other")]
    every = known | world.models.known(python, world.environment)
    assert (len(known), len(every)) == (1, 3)
    assert world.models.take(python, world.environment, every, tmp_path / "none") == ()


def test_a_version_is_fetched_and_what_is_not_there_is_one_sentence(world, tmp_path):
    world.log("one", "two")

    world.models.fetch(VERSION.format(number=2), tmp_path / "recorded" / ".model")

    assert contents(tmp_path / "recorded" / ".model") == files_of("two")
    assert [path.name for path in (tmp_path / "recorded").iterdir()] == [".model"]
    for missing in (VERSION.format(number=9), ""):
        with pytest.raises(Unavailable):
            world.models.fetch(missing, tmp_path / "none")


@pytest.mark.parametrize("breaks", ["not a database", "no MLflow"])
def test_a_store_that_cannot_be_read_is_one_sentence(tmp_path, breaks):
    (tmp_path / "mlflow.db").write_text("not a database")
    environment = {"MLFLOW_TRACKING_URI": f"sqlite:///{tmp_path / 'mlflow.db'}"}
    python = Path("/bin/false") if breaks == "no MLflow" else Path(sys.executable)

    with pytest.raises(Unavailable, match="The models that the stage logged"):
        MlflowModels(lambda: "").known(python, environment)
