"""Who counts as a maker of a version, through a real server: nobody who had a hand in the bytes decides about them."""

import secrets

import pytest

from handrail.approvals import NotEligible
from tests.fakes.mlflow_server import FILES, PERSONS

API = "/api/2.0/mlflow"


@pytest.fixture
def files():
    """Bytes that nobody has uploaded before."""
    return FILES | {"model.skops": secrets.token_bytes(16), "onnx/model.onnx": secrets.token_bytes(16)}


def _ben_is_refused(made):
    request = made.ask()
    with pytest.raises(NotEligible) as refused:
        made.say(request["request_id"], "ben")
    return "ben" in request["authors"] and "made the candidate" in str(refused.value)


def test_whoever_uploaded_equal_bytes_first_is_an_author(server, files):
    server.make_version("ben", files=files)

    assert _ben_is_refused(server.make_version("ada", files={**FILES, "weights.bin": files["model.skops"]}))


def test_whoever_deleted_a_file_is_an_author(server, files):
    made = server.make_version("ada", files=files | {"notes.md": b"careful"})
    may = {"username": "ben", "resource_type": "experiment", "resource_id": made.experiment_id, "permission": "MANAGE"}
    granted = server.admin.post("/api/3.0/mlflow/users/permissions/grant", json=may)
    assert granted.status_code == 200, granted.text
    with server.person("ben") as http:
        assert http.delete(made.artifact("notes.md")).status_code == 200

    assert _ben_is_refused(made)


@pytest.mark.parametrize("way", ["when the run is made", "as a tag", "in a batch"])
def test_whoever_made_the_parent_run_is_an_author(server, files, way):
    made = server.make_version("ada", files=files)
    parent = server.make_version("ben", files=files | {"model.skops": secrets.token_bytes(16)}).run_id
    tag = {"key": "mlflow.parentRunId", "value": parent}
    with server.person("ada") as http:
        if way == "when the run is made":
            body = {"experiment_id": made.experiment_id, "tags": [tag]}
            run_id = http.post(f"{API}/runs/create", json=body).json()["run"]["info"]["run_id"]
            made = _again(server, made, run_id, files)
        elif way == "as a tag":
            assert http.post(f"{API}/runs/set-tag", json={"run_id": made.run_id, **tag}).status_code == 200
            http.post(f"{API}/runs/delete-tag", json={"run_id": made.run_id, "key": tag["key"]})
        else:
            body = {"run_id": made.run_id, "tags": [tag]}
            assert http.post(f"{API}/runs/log-batch", json=body).status_code == 200

    assert _ben_is_refused(made)


def test_the_owner_of_a_service_is_an_author_of_what_it_made(server, files):
    services = {"training": {"accounts": ["dora"], "owner": "Ben"}}
    persons = {name: keys for name, keys in PERSONS.items() if name != "Dora"}
    made = server.make_version("dora", files=files)
    server.write_roles(persons, services)
    try:
        request = made.ask("dora")
        with pytest.raises(NotEligible, match="Ben made the candidate through a service that they own"):
            made.say(request["request_id"], "ben")
        with pytest.raises(NotEligible, match="services never decide"):
            made.say(request["request_id"], "dora")
    finally:
        server.write_roles()


def _again(server, made, run_id, files):
    """Log the files into another run of the same experiment, and register them as a version of their own."""
    made.run_id = run_id
    with server.person("ada") as http:
        for path, content in files.items():
            assert http.put(made.artifact(path), content=content).status_code == 200
        body = {"name": made.name, "source": f"runs:/{run_id}/model", "run_id": run_id}
        made.version = int(http.post(f"{API}/model-versions/create", json=body).json()["model_version"]["version"])
    return made
