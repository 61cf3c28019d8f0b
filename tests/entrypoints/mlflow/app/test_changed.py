"""What changed since the champion, on a real server: over HTTP, as a command, and when a run is edited afterwards."""

import json

import pytest

from handrail.entrypoints.http.gate_routes import Route
from handrail.errors import Refused, UnknownReference
from tests.fakes.approvals import EVIDENCE

API = "/api/2.0/mlflow"
FILES = {"MLmodel": b"flavors: sklearn\n", "model.skops": b"one", "requirements.txt": b"numpy==1.0\n"}


@pytest.fixture(scope="module")
def challenged(server):
    """A champion by Ada and a challenger of it, each with a run that says how it was made; and the request."""
    champion = server.make_version(files=FILES)
    _log(server, champion, {"rate": "0.05", "trees": "100"}, "1" * 32, 100)
    tree = champion.promote()["tree_digest"]
    files = FILES | {"model.skops": b"two", "requirements.txt": b"numpy==1.1\n", "more.bin": b"x"}
    challenger = server.make_version(name=champion.name, files=files)
    _log(server, challenger, {"rate": "0.1", "trees": "100"}, "2" * 32, 140)
    asked = challenger.ask(evidence=EVIDENCE | {"comparison": {"ci_low": 0.01, "incumbent": tree}})
    assert asked["verdict"] == "pending", asked["reasons"]
    return challenger, asked["request_id"], tree


def _log(server, made, parameters, md5, rows):
    dataset = {
        "name": "orders",
        "digest": md5[:8],
        "source_type": "dvc",
        "source": json.dumps({"uri": "dvc://orders.csv", "md5": md5}),
        "profile": json.dumps({"num_rows": rows}),
    }
    inputs = [{"tags": [{"key": "mlflow.data.context", "value": "training"}], "dataset": dataset}]
    with server.person("ada") as http:
        for key, value in parameters.items():
            body = {"run_id": made.run_id, "key": key, "value": value}
            assert http.post(f"{API}/runs/log-parameter", json=body).status_code == 200
        assert http.post(f"{API}/runs/log-inputs", json={"run_id": made.run_id, "datasets": inputs}).status_code == 200
        _tag(http, made, "handrail.git_commit", md5[:1] * 40)
        _tag(http, made, "handrail.git_dirty", "false")


def _tag(http, made, key, value):
    body = {"run_id": made.run_id, "key": key, "value": value}
    assert http.post(f"{API}/runs/set-tag", json=body).status_code == 200


def _changes(server, request_id, account="cleo"):
    """Ask until all of it was read in time, as a page does that is loaded again."""
    with server.gate(account) as gate:
        for _ in range(200):
            found = gate.changes(request_id)
            if not any("was not read in time" in sentence for sentence in found["unknown"]):
                return found
    raise AssertionError(found["unknown"])


def _named(rows, key="name"):
    return {row[key]: (row["before"], row["after"], row["origin"]) for row in rows}


def test_who_may_read_the_request_sees_what_changed(server, challenged):
    _, request_id, tree = challenged

    found = _changes(server, request_id)

    assert found["against"] == {"version": 1, "tree": tree}
    assert [row["path"] for row in found["files"]["changed"]] == ["model.skops", "requirements.txt"]
    assert [row["path"] for row in found["files"]["added"]] == ["more.bin"]
    parameters = _named(found["parameters"]["changed"])
    # Another test logs a note to the same run.
    assert parameters["rate"] == ("0.05", "0.1", "author's word")
    assert parameters.keys() <= {"rate", "note"}
    assert found["parameters"]["unchanged"] == 1
    assert _named(found["environment"]["changed"]) == {"numpy": ("==1.0", "==1.1", "recomputed")}
    data = _named(found["data"], "what")
    assert data["training rows"] == (100, 140, "author's word")
    assert data["training set"] == (f"md5:{'1' * 32}", f"md5:{'2' * 32}", "author's word")
    commit = {"before": "1" * 40, "after": "2" * 40, "origin": "author's word", "known": True}
    assert found["code"]["commit"] == commit
    assert found["code"]["clean"]["after"] is True
    assert "Lineage knows no pipeline that made version 2" in "\n".join(found["unknown"])


def test_the_page_of_the_request_shows_it_and_what_a_run_says_is_text(server, challenged):
    challenger, request_id, _ = challenged
    with server.person("ada") as http:
        body = {"run_id": challenger.run_id, "key": "note", "value": "<script>alert(1)</script>\u202e"}
        assert http.post(f"{API}/runs/log-parameter", json=body).status_code == 200
    _changes(server, request_id)

    with server.person("cleo") as http:
        page = http.get(f"/handrail/requests/{request_id}", headers={"Accept": "text/html"})

    assert page.status_code == 200
    assert "What changed since the champion" in page.text
    assert "model.skops" in page.text
    assert "<script>alert" not in page.text
    assert "\u202e" not in page.text
    with server.person("cleo") as http:
        as_json = http.get(f"/handrail/requests/{request_id}", headers={"Accept": "application/json"}).json()
    assert as_json["changed"]["title"] == "What changed since the champion"


def test_a_first_version_is_compared_with_nothing(server, made):
    found = _changes(server, made.ask()["request_id"])

    assert found["against"] == {"version": None, "tree": None}
    assert len(found["files"]["added"]) == 3


def test_a_run_that_is_edited_and_deleted_afterwards_breaks_nothing(server, challenged):
    challenger, request_id, _ = challenged
    before = _changes(server, request_id)
    with server.person("ada") as http:
        _tag(http, challenger, "handrail.git_dirty", "\u202eperhaps")
        _tag(http, challenger, "handrail.git_commit", "<script>" * 100)
        assert http.post(f"{API}/runs/delete", json={"run_id": challenger.run_id}).status_code == 200

    found = _changes(server, request_id)

    assert found["files"] == before["files"]
    assert found["code"]["clean"]["after"] is None
    assert found["code"]["commit"]["after"].startswith("<script>")
    with server.person("ada") as http:
        assert http.post(f"{API}/runs/restore", json={"run_id": challenger.run_id}).status_code == 200
        _tag(http, challenger, "handrail.git_dirty", "false")
        _tag(http, challenger, "handrail.git_commit", "2" * 40)


def test_nothing_of_the_request_depends_on_it(server, challenged):
    _, request_id, _ = challenged
    with server.gate("cleo") as gate:
        before = gate.request(request_id)["seen"]
        gate.changes(request_id)

        assert gate.request(request_id)["seen"] == before


def test_without_the_right_to_read_the_model_nothing_is_said(server, made):
    request_id = made.ask()["request_id"]
    grant = {"username": "dora", "resource_type": "registered_model", "resource_id": made.name}
    url = "/api/3.0/mlflow/users/permissions"
    body = grant | {"permission": "DENY"}
    assert server.admin.post(f"{url}/grant", json=body).status_code == 200

    with server.gate("dora") as gate, pytest.raises(Refused, match="lacks the permission"):
        gate.changes(request_id)


def test_an_unknown_request_and_a_misspelt_question_are_refused(server):
    with server.gate("cleo") as gate, pytest.raises(UnknownReference, match="pr-none"):
        gate.changes("pr-none")
    with server.person("cleo") as http:
        assert http.get(Route.CHANGES.path).status_code == 404
        assert http.get(Route.CHANGES.path, params={"request": "pr-none"}).status_code == 400
