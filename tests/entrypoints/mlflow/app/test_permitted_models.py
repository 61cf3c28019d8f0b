"""`handrail:/model@alias` beside MLflow's own `models:/`: what was changed behind the server's back is not loaded."""

import json
import pickle
import sqlite3
import sys
from pathlib import Path

import mlflow
import numpy as np
import pytest
from mlflow.exceptions import MlflowException
from sklearn.linear_model import LinearRegression

from handrail.entrypoints.cli import main
from handrail.entrypoints.mlflow.fetching import read_address
from handrail.errors import InvalidInput
from tests.fakes.mlflow_server import password

ROWS = np.array([[1.0], [2.0]])


def _files(folder, slope):
    model = LinearRegression().fit(ROWS, ROWS[:, 0] * slope)
    mlflow.sklearn.save_model(model, str(folder), serialization_format="skops", pip_requirements=["scikit-learn"])
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(scope="session")
def honest(tmp_path_factory):
    return _files(tmp_path_factory.mktemp("model") / "honest", 2.0)


@pytest.fixture(scope="session")
def evil(tmp_path_factory):
    return _files(tmp_path_factory.mktemp("model") / "evil", -5.0)


@pytest.fixture
def champion(server, honest, monkeypatch):
    """A promoted model, and the environment of a service that loads it with ada's login."""
    monkeypatch.setenv("HANDRAIL_PROJECT", str(server.settings.project))
    monkeypatch.setenv("HANDRAIL_HOME", str(server.settings.home))
    monkeypatch.setenv("HANDRAIL_MLFLOW_URL", server.url)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", server.url)
    monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", "ada")
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", password("ada"))
    made = server.make_version(files=honest)
    assert made.promote()["verdict"] == "promoted"
    return made


def _load(scheme, made):
    return mlflow.pyfunc.load_model(f"{scheme}:/{made.name}@champion", suppress_warnings=True)


def test_a_plain_service_loads_by_one_word(champion):
    model = _load("handrail", champion)

    assert model.predict(ROWS) == pytest.approx([2.0, 4.0])


class _Marks:
    def __init__(self, file):
        self.file = file

    def __reduce__(self):
        return Path.touch, (Path(self.file),)


def _other_weights(made, evil, _marker):
    (made.tree / "model.skops").write_bytes(evil["model.skops"])


def _a_pickle_that_runs(made, _evil, marker):
    (made.tree / "model.pkl").write_bytes(pickle.dumps(_Marks(str(marker))))
    text = (made.tree / "MLmodel").read_text()
    text = text.replace("serialization_format: skops", "serialization_format: pickle")
    (made.tree / "MLmodel").write_text(text.replace("model.skops", "model.pkl"))


def _a_loader_of_its_own(made, _evil, marker):
    name = f"loader_{made.name.replace('-', '_')}"
    (made.tree / "code").mkdir()
    program = f"import pathlib\npathlib.Path({str(marker)!r}).touch()\ndef _load_pyfunc(path): return None\n"
    (made.tree / "code" / f"{name}.py").write_text(program)
    text = (made.tree / "MLmodel").read_text()
    loader = f"loader_module: {name}\n    code: code"
    (made.tree / "MLmodel").write_text(text.replace("loader_module: mlflow.sklearn", loader, 1))


def _a_file_more(made, _evil, _marker):
    (made.tree / ".git").mkdir()
    (made.tree / ".git" / "hook").write_text("x")


def _the_alias_by_sql(made, evil, _marker):
    other = made.server.make_version(name=made.name, files=evil)
    (database,) = made.server.settings.home.rglob("server.db")
    with sqlite3.connect(database) as connection:
        moved = "update registered_model_aliases set version = ? where name = ?"
        assert connection.execute(moved, (other.version, made.name)).rowcount == 1
    connection.close()


def _other_requirements(made, _evil, _marker):
    (made.tree / "requirements.txt").write_text("evil-package\n")


TAMPERINGS = (
    (_other_weights, "'model.skops' differs"),
    (_a_pickle_that_runs, "'MLmodel' differs"),
    (_a_loader_of_its_own, "'MLmodel' differs"),
    (_a_file_more, "'.git' is not in the permit"),
    (_the_alias_by_sql, "points at version 2, and the newest permit is for version 1"),
    (_other_requirements, "'requirements.txt' differs"),
)


@pytest.mark.parametrize(("tamper", "words"), TAMPERINGS, ids=[each.__name__[1:] for each, _ in TAMPERINGS])
def test_what_mlflows_own_loader_takes_is_refused(champion, evil, tmp_path, tamper, words):
    marker = tmp_path / "it ran"
    tamper(champion, evil, marker)

    with pytest.raises(MlflowException, match=words):
        _load("handrail", champion)

    assert not marker.exists()
    # The same through MLflow alone: it loads, or has run what it was given before anybody could look.
    try:
        _load("models", champion)
    except (MlflowException, AttributeError, TypeError):
        assert marker.exists()


def test_a_permit_for_another_alias_is_not_enough(champion):
    with pytest.raises(MlflowException, match="as 'shadow'"):
        mlflow.pyfunc.load_model(f"handrail:/{champion.name}@shadow")


def test_in_another_environment_nothing_is_loaded(champion, monkeypatch):
    monkeypatch.setenv("HANDRAIL_ENVIRONMENT", "production")

    with pytest.raises(MlflowException, match="in 'production'"):
        _load("handrail", champion)


def test_the_copy_is_where_mlflow_asks_for_it(champion, tmp_path):
    model = mlflow.pyfunc.load_model(f"handrail:/{champion.name}@champion", dst_path=str(tmp_path))

    (copy,) = tmp_path.iterdir()
    assert copy.stat().st_mode & 0o077 == 0
    assert model.predict(ROWS) == pytest.approx([2.0, 4.0])


@pytest.mark.parametrize("uri", ["handrail:/x", "handrail:/x/1", "handrail:/x@champion/MLmodel", "handrail:/@champion"])
def test_only_an_alias_of_a_model_is_an_address(champion, uri):
    with pytest.raises(MlflowException, match="names no alias of a model"):
        mlflow.pyfunc.load_model(uri)


@pytest.mark.parametrize("uri", ["models:/x/1", "models:/x@champion/MLmodel", "runs:/x@y", "x@y", "models:/a/b@c", ""])
def test_fetch_takes_addresses_of_aliases_alone(uri):
    with pytest.raises(InvalidInput, match="names no alias"):
        read_address(uri)


@pytest.fixture
def run(monkeypatch, capsys):
    def run(*words):
        monkeypatch.setattr(sys, "argv", ["handrail", "approvals", "fetch", *map(str, words)])
        with pytest.raises(SystemExit) as ended:
            main()
        return ended.value.code or 0, *capsys.readouterr()

    return run


def test_fetch_gets_and_verifies_in_one_step(champion, run, tmp_path, honest):
    code, out, _ = run(f"models:/{champion.name}@champion", tmp_path / "got", "--json")

    assert code == 0
    assert json.loads(out)["approvers"] == ["Ben", "Cleo"]
    got = tmp_path / "got"
    assert {path.relative_to(got).as_posix(): path.read_bytes() for path in got.rglob("*") if path.is_file()} == honest


def test_fetch_leaves_nothing_of_what_it_refuses(champion, run, tmp_path):
    (champion.tree / "model.skops").write_bytes(b"other")

    code, _, said = run(f"models:/{champion.name}@champion", tmp_path / "got")

    assert code == 1
    assert "'model.skops' differs" in said
    assert "Traceback" not in said
    assert not (tmp_path / "got").exists()


def test_fetch_takes_the_gates_own_copy_when_the_registrys_files_are_changed(champion, run, tmp_path, honest):
    (champion.tree / "model.skops").write_bytes(b"other")

    code, *_ = run(f"models:/{champion.name}@champion", tmp_path / "got", "--from-store")

    assert code == 0
    got = tmp_path / "got"
    assert {path.relative_to(got).as_posix(): path.read_bytes() for path in got.rglob("*") if path.is_file()} == honest
