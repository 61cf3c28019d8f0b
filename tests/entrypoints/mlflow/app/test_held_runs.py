"""What a run that somebody decides about says of itself, changed by its author and by an admin on a real server."""

import pytest

API = "/api/2.0/mlflow"


@pytest.fixture(scope="module")
def held(server):
    made = server.make_version()
    with server.person("ada") as http:
        for key in ("mlflow.source.git.commit", "handrail.stage_inputs"):
            body = {"run_id": made.run_id, "key": key, "value": "first"}
            assert http.post(f"{API}/runs/set-tag", json=body).status_code == 200
        assert http.post(f"{API}/runs/update", json={"run_id": made.run_id, "status": "FINISHED"}).status_code == 200
    made.promote()
    return made


@pytest.fixture(params=["author", "admin"])
def http(request, server):
    if request.param == "admin":
        yield server.admin
        return
    with server.person("ada") as client:
        yield client


DATASET = {"dataset": {"name": "d", "digest": "1", "source_type": "local", "source": "x"}, "tags": []}
CHANGES = {
    "another commit": ("runs/set-tag", {"key": "mlflow.source.git.commit", "value": "dead"}),
    "a commit in a batch": ("runs/log-batch", {"tags": [{"key": "mlflow.source.git.commit", "value": "dead"}]}),
    "no commit": ("runs/delete-tag", {"key": "mlflow.source.git.commit"}),
    "another lock": ("runs/set-tag", {"key": "lineage.dvc.lock_sha256", "value": "0" * 64}),
    "another parent": ("runs/set-tag", {"key": "mlflow.parentRunId", "value": "a" * 32}),
    "other inputs of a stage": ("runs/set-tag", {"key": "handrail.stage_inputs", "value": "second"}),
    "another user": ("runs/set-tag", {"key": "mlflow.user", "value": "ben"}),
    "one more data set": ("runs/log-inputs", {"datasets": [DATASET]}),
    "one more model": ("runs/outputs", {"models": [{"model_id": "m-1", "step": 0}]}),
    "it runs again": ("runs/update", {"status": "RUNNING"}),
    "it ended later": ("runs/update", {"end_time": 99}),
}


@pytest.mark.parametrize("what", CHANGES)
def test_where_a_promoted_run_came_from_is_not_rewritten(held, http, what):
    route, body = CHANGES[what]
    before = http.get(f"{API}/runs/get", params={"run_id": held.run_id}).json()

    answer = http.post(f"{API}/{route}", json={"run_id": held.run_id} | body)

    assert answer.status_code == 403, answer.text
    # MLflow itself refuses an author who names somebody else's model.
    assert "register a new version from a new run" in answer.text or answer.text == "Permission denied"
    assert http.get(f"{API}/runs/get", params={"run_id": held.run_id}).json() == before


FREE = {
    "a note": ("runs/set-tag", {"key": "mlflow.note.content", "value": "good"}),
    "the same commit again": ("runs/set-tag", {"key": "mlflow.source.git.commit", "value": "first"}),
    "a new word of Handrail's tools": ("runs/set-tag", {"key": "handrail.package.x", "value": "1"}),
    "a metric": ("runs/log-metric", {"key": "later", "value": 1, "timestamp": 1}),
    "another name": ("runs/update", {"run_name": "nicer"}),
}


@pytest.mark.parametrize("what", FREE)
def test_the_rest_of_a_promoted_run_is_still_its_owners(held, http, what):
    route, body = FREE[what]

    assert http.post(f"{API}/{route}", json={"run_id": held.run_id} | body).status_code == 200


def test_a_run_that_asks_while_it_runs_may_end(server):
    made = server.make_version()
    made.ask()

    with server.person("ada") as http:
        ended = http.post(f"{API}/runs/update", json={"run_id": made.run_id, "status": "FINISHED", "end_time": 7})

    assert ended.status_code == 200


@pytest.mark.parametrize("where", ["file", "artifacts"])
def test_no_experiment_is_put_over_a_candidates_files(server, where):
    made = server.make_version()
    place = f"mlflow-artifacts:/{made.experiment_id}/{made.run_id}/artifacts/model"

    with server.person("dora") as http:
        location = place if where == "artifacts" else made.tree.as_uri()
        body = {"name": server.new_name(), "artifact_location": location}
        answer = http.post(f"{API}/experiments/create", json=body)

    assert answer.status_code == 403
    assert "Leave artifact_location out" in answer.json()["message"]


def test_an_experiment_is_not_deleted_under_another_spelling_of_its_id(server, held):
    for spelled in (f"0{held.experiment_id}", f" {held.experiment_id}", f"+{held.experiment_id}"):
        answer = server.admin.post(f"{API}/experiments/delete", json={"experiment_id": spelled})
        assert answer.status_code >= 400, spelled

    found = server.admin.get(f"{API}/experiments/get", params={"experiment_id": held.experiment_id}).json()
    assert found["experiment"]["lifecycle_stage"] == "active"
