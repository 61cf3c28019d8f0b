"""BentoML alone: real bentos in a real store, one served by the real server, and what lineage knows of them."""

import json
import shutil
import socket
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
import yaml

from flows.steps.release.deploy import bentos_of
from handrail.bootstrap import open_platform
from handrail.bootstrap.approvals import tree_digest
from handrail.bootstrap.bento_files import BentoStore
from handrail.entrypoints.bentoml.collect import find_bentos
from handrail.entrypoints.bentoml.recorded import record_deployment
from handrail.entrypoints.hosts.recording import platform_here
from handrail.settings import Settings
from tests.fakes.bento_store import COMMIT, bento_environment, build_bento
from tests.fakes.command import handrail_command

DEADLINE_S = 90
ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """A store with a bento as people write them, and one with Handrail's line."""
    folder = tmp_path_factory.mktemp("bentos")
    build_bento(folder, "plain")
    return build_bento(folder, "lined", recorded=True)


@pytest.fixture
def project(tmp_path, monkeypatch, store):
    monkeypatch.setenv("HANDRAIL_PROJECT", str(tmp_path))
    monkeypatch.setenv("HANDRAIL_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("HANDRAIL_REPOSITORY", "shop")
    monkeypatch.setenv("BENTOML_HOME", str(store))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def handrail(project, monkeypatch, capsys):
    return handrail_command(monkeypatch, capsys, "lineage")


def causes(uri):
    trace = platform_here().lineage.trace(uri)
    return {edge.cause: edge.proven for edge in trace.edges if edge.effect == uri}


def node(uri):
    return next(each for each in platform_here().lineage.trace(uri).nodes if each.uri == uri)


def tree(folder):
    return f"tree://{tree_digest(folder).replace(':', '/')}"


def copy_of_the_model(store, tmp_path):
    """What the registry holds: the model without the file that MLflow adds to a download."""
    source, target = store / "models" / "iris" / "one" / "mlflow_model", tmp_path / "registered"
    target.mkdir()
    for name in ("MLmodel", "weights.bin"):
        (target / name).write_bytes((source / name).read_bytes())
    return target


def test_a_bento_leads_to_its_models_their_trees_and_the_commit(handrail, store, tmp_path):
    code, out, _ = handrail("collect", "bentoml", "iris:plain", "--json")

    carried = tree(store / "bentos" / "iris" / "plain" / "src" / "carried")
    in_model = tree(copy_of_the_model(store, tmp_path))
    assert (code, json.loads(out)["bentos"]) == (0, {"bento://iris/plain": []})
    assert set(causes("bento://iris/plain")) == {
        "bento-build://iris/plain",
        "bento-model://iris/one",
        carried,
        in_model,
    }
    built_from = {"bento-model://iris/one", carried, in_model, f"git://shop/{COMMIT}"}
    assert set(causes("bento-build://iris/plain")) == built_from
    assert causes("bento-model://iris/one") == {in_model: True}, "the tree was hashed in the model: proven"
    assert node("bento://iris/plain").attributes["label.team"] == "blue"
    assert (node("bento-build://iris/plain").kind, node("bento-model://iris/one").kind) == (
        "bento-build",
        "bento-model",
    )


def test_a_bento_has_the_digest_that_a_deployment_of_it_is_recorded_with(store, tmp_path):
    shutil.copytree(ROOT / "config", tmp_path / "config")
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "bentoml").mkdir()
    (tmp_path / "home" / "bentoml" / "bentos").mkdir()
    (tmp_path / "home" / "bentoml" / "bentos" / "flights").symlink_to(store / "bentos" / "iris")

    ours = bentos_of(Settings(project=tmp_path, home=tmp_path / "home")).find("plain")

    assert next(iter(find_bentos(store, "iris:plain"))).digest == ours.digest


def test_without_a_tag_every_bento_is_recorded_and_twice_is_once(handrail):
    first = handrail("collect", "bentoml")
    before = statements()

    assert handrail("collect", "bentoml") == first
    assert statements() == before
    assert "bento://iris/lined: recorded" in first[1]
    assert "bento://iris/plain: recorded" in first[1]


def statements():
    with open_platform().store.read() as connection:
        return connection.exec_driver_sql("select count(*) from lineage_statement").scalar()


@pytest.mark.parametrize("tag", ["iris:none", "none", "../iris:plain", ":"])
def test_a_tag_that_the_store_lacks_is_one_sentence(handrail, tag):
    code, _, err = handrail("collect", "bentoml", tag) if tag != ":" else handrail("collect", "bentoml", "none:")

    assert (code, err.count("\n")) == (1, 1)
    assert "no bento named" in err


@pytest.mark.parametrize(
    "text", ["- one", "name: iris", "name: iris\nversion: v\ncreation_time: never\nmodels: [{tag: '../../x:1'}]"]
)
def test_a_damaged_bento_is_one_sentence(handrail, tmp_path, text):
    folder = tmp_path / "store" / "bentos" / "iris" / "v"
    folder.mkdir(parents=True)
    (folder / "bento.yaml").write_text(text)

    code, _, err = handrail("collect", "bentoml", "--store", str(tmp_path / "store"))

    assert (code, err.count("\n")) == (1, 1)
    assert "it is not a bento" in err


def test_damaged_bentos_cost_no_other_and_are_named(handrail, tmp_path):
    bentos = tmp_path / "store" / "bentos" / "iris"
    whole = {"name": "iris", "version": "whole", "creation_time": datetime(2026, 11, 23, tzinfo=UTC).isoformat()}
    texts = {"a-list": "- one", "cut": "name: 'iris", "deep": "[" * 5000, "no-models": "name: iris\nmodels: [7]"}
    for name, text in {**texts, "whole": yaml.safe_dump(whole), "z-binary": "\0"}.items():
        (bentos / name).mkdir(parents=True)
        (bentos / name / "bento.yaml").write_text(text)

    code, out, err = handrail("collect", "bentoml", "--store", str(tmp_path / "store"))
    _, text, _ = handrail("collect", "bentoml", "--store", str(tmp_path / "store"), "--json")

    assert (code, out) == (1, "bento://iris/whole: recorded, and what it was built from\n")
    assert [str(bentos / name) in err for name in (*texts, "z-binary")] == [True] * 5
    assert "Traceback" not in err
    found = json.loads(text)
    assert (list(found["bentos"]), len(found["left_out"])) == (["bento://iris/whole"], 5)


def test_a_damaged_bento_of_the_version_that_is_served_hides_no_whole_one(tmp_path):
    for name, text in {"a": "name: 'iris", "b": "entry_service: Iris"}.items():
        folder = tmp_path / "bentos" / name / "v1"
        folder.mkdir(parents=True)
        (folder / "bento.yaml").write_text(text)

    assert BentoStore(tmp_path).served_as("Iris", "v1") == tmp_path / "bentos" / "b" / "v1"


def test_a_model_that_the_store_lost_is_named(handrail, tmp_path, store):
    folder = tmp_path / "store" / "bentos" / "iris" / "v"
    folder.mkdir(parents=True)
    told = {"name": "iris", "version": "v", "creation_time": datetime(2026, 11, 23, tzinfo=UTC).isoformat()}
    (folder / "bento.yaml").write_text(yaml.safe_dump(told | {"models": [{"tag": "iris:gone"}]}))

    code, out, err = handrail("collect", "bentoml", "--store", str(tmp_path / "store"))

    assert code == 0
    assert "bento-model://iris/gone: the store does not hold it any more" in err
    assert "bento-model://iris/gone" in causes("bento://iris/v")


@pytest.fixture
def served(project, store):
    """The bento with Handrail's line, served by BentoML until the test ends; its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "bentoml", "serve", "iris:lined", "--port", str(port), "--host", "127.0.0.1"]
    with (project / "serve.log").open("w") as log:
        process = subprocess.Popen(command, env=bento_environment(store), stdout=log, stderr=log)
    url = f"http://127.0.0.1:{port}"
    try:
        wait_for(f"{url}/readyz", process, project / "serve.log")
        yield url
    finally:
        process.terminate()
        process.wait(timeout=30)


def wait_for(url, process, log):
    deadline = time.monotonic() + DEADLINE_S
    while time.monotonic() < deadline:
        assert process.poll() is None, log.read_text()
        try:
            if httpx.get(url, timeout=5).status_code == 200:
                return
        except httpx.TransportError:
            continue  # it is starting
    raise AssertionError(log.read_text())


def test_one_line_in_the_service_records_what_is_served(handrail, served):
    at_start = platform_here().lineage.pointer_at("deploy://local/iris", datetime.now(UTC))
    code, out, _ = handrail("collect", "bentoml", "--serving", served, "--json")

    assert at_start.target == "deploy://local/iris/lined"
    assert causes("deploy://local/iris/lined") == {"bento://iris/lined": True}
    assert (code, json.loads(out)["serving"]) == (0, "bento://iris/lined")
    again = platform_here().lineage.pointer_at("deploy://local/iris", datetime.now(UTC))
    assert again == at_start, "what is served has not changed"


def test_a_service_whose_bento_is_elsewhere_is_recorded_by_name(handrail, served, tmp_path):
    (tmp_path / "empty").mkdir()
    fresh = ("collect", "bentoml", "--serving", served, "--store", str(tmp_path / "empty"))

    code, _, err = handrail(*fresh)

    assert code == 0
    assert "empty does not hold it: run this where it was built" in err
    assert "bento://iris/lined" in causes("deploy://local/iris/lined")


def test_an_address_without_a_service_is_one_sentence(handrail):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        code, _, err = handrail("collect", "bentoml", "--serving", f"http://127.0.0.1:{free.getsockname()[1]}")

    assert (code, err.count("\n")) == (1, 1)
    assert "it is not a service of BentoML" in err


def test_a_service_of_a_checkout_is_no_bento(project):
    assert not record_deployment(project / "service.py")


def test_no_trouble_of_lineage_stops_a_service(project, store, monkeypatch, caplog):
    monkeypatch.setenv("HANDRAIL_DATABASE_URL", "sqlite:////proc/none/handrail.db")

    assert not record_deployment(store / "bentos" / "iris" / "lined" / "src" / "service.py")
    assert "Lineage does not know of the deployment of bento://iris/lined" in caplog.text


def test_a_service_starts_though_its_bento_cannot_even_be_looked_for(project, caplog):
    assert not record_deployment(project / "no\0name.py")

    assert "Lineage does not know of what is served." in caplog.text
