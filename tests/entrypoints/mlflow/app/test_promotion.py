"""A promotion from request to verified bytes, by people with logins of their own, and what stops it."""

import json
import sqlite3

import httpx
import pytest

from handrail.approvals import UnverifiedBytes
from handrail.bootstrap.approvals import open_permit_verifier, permit_path, server_name, tree_digest
from handrail.errors import InvalidInput, Refused, UnknownReference
from tests.fakes.approvals import EVIDENCE
from tests.fakes.mlflow_server import Made


def test_two_logins_in_the_named_roles_promote_and_the_permit_verifies_the_tree(server, made, tmp_path):
    request = made.ask()
    assert (request["verdict"], request["authors"], request["requester"]) == ("pending", ["ada"], "ada")
    assert request["tree_digest"] == tree_digest(made.tree)

    assert made.say(request["request_id"], "ben")["verdict"] == "pending"
    assert made.champion() is None
    done = made.say(request["request_id"], "cleo")

    assert done["verdict"] == "promoted"
    assert made.champion() == "1"
    settings, use = server.settings, server.use(made)
    permit = permit_path(settings, use, done["tree_digest"])
    with server.gate("ada") as gate:
        assert gate.permit(use, done["tree_digest"]) == gate.permit(use) == permit.read_bytes()
    statement = open_permit_verifier(settings).verify(made.tree, permit, tmp_path / "copy", use)
    assert (statement.request_id, statement.model, statement.version) == (request["request_id"], made.name, 1)
    assert (statement.approvers, statement.authors, statement.run_id) == (("Ben", "Cleo"), ("ada",), made.run_id)
    assert statement.server == server_name(settings)


def test_a_flipped_byte_in_the_store_is_noticed_at_load(server, made, tmp_path):
    done = made.promote()
    file = made.tree / "onnx" / "model.onnx"
    content = bytearray(file.read_bytes())
    content[7] ^= 1
    file.write_bytes(content)

    permit = permit_path(server.settings, server.use(made), done["tree_digest"])
    with pytest.raises(UnverifiedBytes, match=r"onnx/model\.onnx"):
        open_permit_verifier(server.settings).verify(made.tree, permit, tmp_path / "copy", server.use(made))


def test_lineage_of_the_project_knows_the_promotion(server, made):
    done = made.promote()

    with sqlite3.connect(server.settings.home / "handrail.db") as connection:
        tables = [row[0] for row in connection.execute("select name from sqlite_master where type = 'table'")]
        dump = "\n".join(
            str(row) for table in tables if "lineage" in table for row in connection.execute(f"select * from {table}")
        )
    assert f"approval://{server_name(server.settings)}/{done['request_id']}" in dump


def test_asking_again_is_the_same_request(made):
    assert made.ask()["request_id"] == made.ask()["request_id"]


def test_the_first_answer_is_201_and_the_next_200(server, made):
    body = {
        "model": made.name,
        "version": "1",
        "alias": "champion",
        "reason": "x",
        "evidence": [{"name": name, "content": content} for name, content in EVIDENCE.items()],
    }
    with server.person("ada") as http:
        path = "/handrail/api/v1/promotion-requests"
        assert [http.post(path, json=body).status_code for _ in range(2)] == [201, 200]


def test_saying_the_same_twice_changes_nothing(made):
    request_id = made.ask()["request_id"]

    first, again = made.say(request_id, "ben"), made.say(request_id, "ben")

    assert again == first


def _denied(made, request_id, account, words):
    with pytest.raises(Refused, match=words) as caught:
        made.say(request_id, account)
    assert made.champion() is None
    return caught.value


def test_the_author_cannot_approve(server, made):
    server.write_roles({"Ada": {"accounts": ["ada"], "roles": ["ml-engineer", "business-stakeholder"]}})

    _denied(made, made.ask()["request_id"], "ada", "Ada made the candidate")


def test_the_author_is_whom_the_server_saw_not_whom_a_tag_names(server):
    with server.person("ben") as http:
        experiment = http.post("/api/2.0/mlflow/experiments/create", json={"name": server.new_name()}).json()
        tags = [{"key": "mlflow.user", "value": "ada"}]
        body = experiment | {"user_id": "ada", "tags": tags}
        run = http.post("/api/2.0/mlflow/runs/create", json=body).json()["run"]["info"]
        root = f"/api/2.0/mlflow-artifacts/artifacts/{experiment['experiment_id']}/{run['run_id']}/artifacts/model"
        assert http.put(f"{root}/MLmodel", content=b"x").status_code == 200
        name = server.new_name()
        http.post("/api/2.0/mlflow/registered-models/create", json={"name": name})
        source = {"name": name, "source": f"runs:/{run['run_id']}/model", "run_id": run["run_id"]}
        assert http.post("/api/2.0/mlflow/model-versions/create", json=source).status_code == 200
    with server.gate("ben") as gate:
        request = gate.open_request(model=name, version=1, alias="champion", reason="x", evidence=EVIDENCE)

    assert request["authors"] == ["ben"]


def test_whoever_uploaded_a_file_is_an_author_too(server, made):
    assert server.admin.put(made.artifact("MLmodel"), content=b"by the admin").status_code == 200

    request = made.ask()

    assert request["authors"] == ["ada", "handrail-admin"]
    assert request["verdict"] == "refused"
    assert "'handrail-admin' made or asked for this and belongs to nobody" in request["reasons"][0]


def test_two_accounts_of_one_person_count_once(made):
    request_id = made.ask()["request_id"]

    made.say(request_id, "ben")
    request = made.say(request_id, "ben-2")

    assert request["verdict"] == "pending"
    assert [row["person"] for row in request["decisions"]] == ["Ben"]


def test_another_role_cannot_approve(made):
    _denied(made, made.ask()["request_id"], "dora", "holds none of the roles that decide here")


def test_an_admin_of_mlflow_is_no_approver(server, made):
    request_id = made.ask()["request_id"]
    body = {"request_id": request_id, "decision": "approve", "reason": "I am root"}

    answer = server.admin.post("/handrail/api/v1/decisions", json=body)

    assert answer.status_code == 403
    assert "belongs to nobody in config/roles.yaml" in answer.json()["detail"]
    assert answer.headers["content-type"] == "application/problem+json"


def test_an_approver_without_the_permission_cannot_open_a_request(made):
    with pytest.raises(Refused, match="lacks the permission"):
        made.ask("ben")


def test_a_policy_that_is_not_met_refuses_with_reasons(made):
    request = made.ask(evidence={"evaluation": {"roc_auc": 0.95}})

    assert request["verdict"] == "refused"
    assert any("at most 0.9" in reason for reason in request["reasons"])
    assert any("parity.max_difference is not in the evidence" in reason for reason in request["reasons"])
    _denied(made, request["request_id"], "ben", "refused")


def test_a_logged_model_is_promoted_and_held_as_one_tree(server):
    name = server.new_name()
    with server.person("ada") as http:
        experiment = http.post("/api/2.0/mlflow/experiments/create", json={"name": name}).json()
        run = http.post("/api/2.0/mlflow/runs/create", json=experiment).json()["run"]["info"]
        body = experiment | {"name": "m", "source_run_id": run["run_id"]}
        info = http.post("/api/2.0/mlflow/logged-models", json=body).json()["model"]["info"]
        location = info["artifact_uri"].removeprefix("mlflow-artifacts:/")
        file = f"/api/2.0/mlflow-artifacts/artifacts/{location}/MLmodel"
        assert http.put(file, content=b"x").status_code == 200
        http.post("/api/2.0/mlflow/registered-models/create", json={"name": name})
        source = {"name": name, "source": f"models:/{info['model_id']}", "model_id": info["model_id"]}
        assert http.post("/api/2.0/mlflow/model-versions/create", json=source).status_code == 200
        made = Made(server, name, 1, experiment["experiment_id"], run["run_id"])
        assert made.ask()["authors"] == ["ada"]
        assert made.promote()["verdict"] == "promoted"

        assert http.put(file, content=b"y").status_code == 403
        assert server.admin.delete(f"/api/2.0/mlflow/logged-models/{info['model_id']}").status_code == 403
        assert server.admin.post("/api/2.0/mlflow/runs/delete", json={"run_id": run["run_id"]}).status_code == 403


def test_a_copied_version_starts_without_approval(server, made):
    made.promote()
    with server.person("ada") as http:
        copy = server.new_name()
        http.post("/api/2.0/mlflow/registered-models/create", json={"name": copy})
        body = {"name": copy, "source": f"models:/{made.name}/1", "run_id": made.run_id}
        assert http.post("/api/2.0/mlflow/model-versions/create", json=body).status_code == 200
        alias = {"name": copy, "alias": "champion", "version": "1"}
        assert http.post("/api/2.0/mlflow/registered-models/alias", json=alias).status_code == 403
    copied = Made(server, copy, 1, made.experiment_id, made.run_id)

    request = copied.ask()

    assert (request["verdict"], request["authors"], request["decisions"]) == ("pending", ["ada"], [])


def test_a_challenger_needs_a_comparison_with_the_champion_itself(server, made):
    champion = made.promote()["tree_digest"]
    challenger = server.make_version(name=made.name)

    assert "comparison.ci_low" in challenger.ask()["reasons"][0]
    other = challenger.ask(evidence=EVIDENCE | {"comparison": {"ci_low": -0.004, "incumbent": "sha256:" + "0" * 64}})
    assert other["verdict"] == "refused"
    assert "comparison.incumbent" in other["reasons"][0]
    request = challenger.ask(evidence=EVIDENCE | {"comparison": {"ci_low": -0.004, "incumbent": champion}})
    assert (request["verdict"], request["incumbent"]) == ("pending", 1)
    challenger.say(request["request_id"], "ben")
    assert challenger.say(request["request_id"], "cleo")["verdict"] == "promoted"


def test_changed_bytes_void_the_decisions(made):
    request_id = made.ask()["request_id"]
    made.say(request_id, "ben")
    (made.tree / "MLmodel").write_bytes(b"by force")

    assert _denied(made, request_id, "cleo", "the files of the version changed").verdict == "void"


def test_a_changed_policy_voids_the_decisions(server, made):
    request_id = made.ask()["request_id"]
    made.say(request_id, "ben")
    file = server.settings.config / "policies" / "champion.yaml"
    text = file.read_text()
    file.write_text(text.replace("0.74", "0.10"))
    server.take_files()
    try:
        assert _denied(made, request_id, "cleo", "the policy changed").verdict == "void"
    finally:
        file.write_text(text)
        server.take_files()
    _denied(made, request_id, "cleo", "the policy changed")


def test_changed_evidence_is_another_request_and_stored_evidence_is_rehashed(server, made):
    request_id = made.ask()["request_id"]
    made.say(request_id, "ben")
    assert made.ask(evidence=EVIDENCE | {"evaluation": {"roc_auc": 0.80}})["request_id"] != request_id

    with sqlite3.connect(server.settings.home / "handrail.db") as connection:
        connection.execute(
            "update approvals_request set body = replace(body, '0.76', '0.86') where request_id = ?", (request_id,)
        )

    _denied(made, request_id, "cleo", "is not what leaf")


def test_a_rejection_closes_a_request(made):
    request_id = made.ask()["request_id"]

    assert made.say(request_id, "cleo", "reject")["verdict"] == "rejected"
    _denied(made, request_id, "ben", "Cleo rejected it")


def test_a_request_is_read_with_its_evidence(server, made):
    request_id = made.ask()["request_id"]

    with server.gate("cleo") as gate:
        assert gate.request(request_id)["evidence_content"] == EVIDENCE
        assert request_id in [row["request_id"] for row in gate.requests("champion", only_open=True)]
        assert gate.requests("challenger") == []
        with pytest.raises(UnknownReference, match="pr-none"):
            gate.request("pr-none")
        with pytest.raises(UnknownReference, match="sha256:0"):
            gate.permit(server.use(made), "sha256:" + "0" * 64)
        with pytest.raises(InvalidInput, match="digest"):
            gate.permit(server.use(made), "latest")


def test_logs_of_the_server_hold_no_password(server):
    log = (server.settings.home.parent / "log").read_text(errors="replace")
    admin = json.loads((server.settings.credentials / "mlflow-admin.json").read_text())

    assert admin["password"] not in log
    assert "Traceback" not in log


def test_mlflows_own_pages_still_answer(server):
    assert httpx.get(f"{server.url}/", auth=server.admin.auth).status_code == 200
