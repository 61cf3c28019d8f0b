"""Roles decide, but MLflow's own permissions on the model and on its runs count too."""

import pytest

from handrail.errors import Refused

PERMISSIONS = "/api/3.0/mlflow/users/permissions"


def _grant(server, account, kind, what, permission):
    body = {"username": account, "resource_type": kind, "resource_id": what, "permission": permission}
    answer = server.admin.post(f"{PERMISSIONS}/grant", json=body)
    assert answer.status_code == 200, answer.text


@pytest.fixture
def denied(server, made):
    """A model that Cleo, who could decide by role, may not even look at."""
    request_id = made.ask()["request_id"]
    _grant(server, "cleo", "registered_model", made.name, "DENY")
    return request_id


def test_who_may_not_read_the_model_does_not_decide_about_it(made, denied):
    made.say(denied, "ben")

    with pytest.raises(Refused, match="'cleo' lacks the permission"):
        made.say(denied, "cleo")

    assert made.champion() is None


def test_who_may_not_read_the_model_gets_neither_its_request_nor_its_permit(server, made):
    done = made.promote()
    with server.gate("cleo") as gate:
        assert gate.permit(server.use(made), done["tree_digest"])
    _grant(server, "cleo", "registered_model", made.name, "DENY")

    with server.gate("cleo") as gate:
        with pytest.raises(Refused, match="Fetching this permit"):
            gate.permit(server.use(made), done["tree_digest"])
        with pytest.raises(Refused, match="Reading this request"):
            gate.request(done["request_id"])
        assert done["request_id"] not in {row["request_id"] for row in gate.requests()}


def test_a_reader_cannot_have_somebody_elses_run_held(server, made):
    name = server.new_name()
    with server.person("dora") as http:
        http.post("/api/2.0/mlflow/registered-models/create", json={"name": name})
        for source in (f"runs:/{made.run_id}/model", made_uri(made)):
            body = {"name": name, "source": source, "run_id": made.run_id}
            answer = http.post("/api/2.0/mlflow/model-versions/create", json=body)
            assert answer.status_code == 200, answer.text
    with server.gate("dora") as gate:
        for version in (1, 2):
            with pytest.raises(Refused, match=f"may not change the experiment {made.experiment_id} "):
                gate.open_request(model=name, version=version, alias="champion", reason="x", evidence={})

    with server.person("ada") as http:
        assert http.put(made.artifact("MLmodel"), content=b"later").status_code == 200


def made_uri(made):
    return f"mlflow-artifacts:/{made.experiment_id}/{made.run_id}/artifacts/model"
