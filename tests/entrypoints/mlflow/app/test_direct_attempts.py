"""Every known way around the gate, tried on a real server by an author and by an admin."""

import httpx
import pytest

from handrail.approvals import Closed
from handrail.entrypoints.http.gate_routes import Route

API, AJAX = "/api/2.0", "/ajax-api/2.0"
PEOPLE = ("author", "admin")


@pytest.fixture(params=PEOPLE)
def http(request, server):
    if request.param == "admin":
        yield server.admin
        return
    with server.person("ada") as client:
        yield client


@pytest.fixture(scope="session")
def plain(server):
    """A version that nobody has asked about; every test leaves it so."""
    return server.make_version()


@pytest.fixture(scope="session")
def frozen(server):
    """A version that a request holds."""
    made = server.make_version()
    made.promote()
    return made


def _refused(answer, words):
    assert answer.status_code == 403, (answer.status_code, answer.text)
    assert answer.json()["error_code"] == "PERMISSION_DENIED"
    assert words in answer.json()["message"]


@pytest.mark.parametrize("prefix", [API, AJAX])
@pytest.mark.parametrize("alias", ["champion", "Champion", "CHAMPION"])
@pytest.mark.parametrize("version", ["1", "01"])
def test_an_alias_is_not_set_directly(plain, http, prefix, alias, version):
    body = {"name": plain.name, "alias": alias, "version": version}

    _refused(http.post(f"{prefix}/mlflow/registered-models/alias", json=body), "open a promotion request")
    assert plain.champion() is None


@pytest.mark.parametrize(
    "path", ["/./registered-models/alias", "/registered-models/%61lias", "/x/../registered-models/alias"]
)
def test_another_spelling_of_the_route_is_refused_too(server, plain, http, path):
    body = {"name": plain.name, "alias": "champion", "version": "1"}
    url = httpx.URL(server.url).copy_with(raw_path=f"{API}/mlflow{path}".encode())

    assert http.post(url, json=body).status_code in (403, 404)
    assert plain.champion() is None


def test_another_method_in_a_header_does_not_help(plain, http):
    body = {"name": plain.name, "alias": "champion", "version": "1"}
    answer = http.put(f"{API}/mlflow/registered-models/alias", json=body, headers={"X-HTTP-Method-Override": "POST"})

    assert answer.status_code in (403, 405)
    assert plain.champion() is None


def test_other_aliases_are_free(plain, http):
    body = {"name": plain.name, "alias": "challenger", "version": "1"}

    assert http.post(f"{API}/mlflow/registered-models/alias", json=body).status_code == 200


@pytest.mark.parametrize("prefix", [API, AJAX])
def test_the_alias_is_not_taken_away_directly(made, http, prefix):
    made.promote()

    params = {"name": made.name, "alias": "champion"}
    answer = http.request("DELETE", f"{prefix}/mlflow/registered-models/alias", json=params)

    _refused(answer, "open a promotion request")
    assert made.champion() == "1"


def test_the_alias_is_not_moved_on_after_a_promotion(server, made, http):
    made.promote()
    other = server.make_version(name=made.name)

    body = {"name": made.name, "alias": "champion", "version": str(other.version)}
    _refused(http.post(f"{API}/mlflow/registered-models/alias", json=body), "open a promotion request")
    assert made.champion() == "1"


@pytest.mark.parametrize("stage", ["Production", "production", "PRODUCTION"])
@pytest.mark.parametrize("prefix", [API, AJAX])
def test_the_stage_production_is_closed(plain, http, stage, prefix):
    body = {"name": plain.name, "version": "1", "stage": stage, "archive_existing_versions": False}

    _refused(http.post(f"{prefix}/mlflow/model-versions/transition-stage", json=body), "Production")


def test_other_stages_are_free(made, http):
    body = {"name": made.name, "version": "1", "stage": "Staging", "archive_existing_versions": False}

    assert http.post(f"{API}/mlflow/model-versions/transition-stage", json=body).status_code == 200


@pytest.mark.parametrize("key", ["approval.by", "Approval.by", "mlflow.prompt.is_prompt"])
@pytest.mark.parametrize("what", ["model-versions", "registered-models"])
def test_reserved_tags_are_neither_set_nor_deleted(plain, http, key, what):
    where = {"name": plain.name} | ({"version": "1"} if what == "model-versions" else {})

    _refused(http.post(f"{API}/mlflow/{what}/set-tag", json=where | {"key": key, "value": "true"}), "reserved")
    answer = http.request("DELETE", f"{API}/mlflow/{what}/delete-tag", json=where | {"key": key})
    _refused(answer, "reserved")


def test_a_version_is_not_born_approved(plain, http):
    tags = [{"key": "Approval.by", "value": "cleo"}]
    body = {"name": plain.name, "source": f"runs:/{plain.run_id}/model", "run_id": plain.run_id, "tags": tags}

    _refused(http.post(f"{API}/mlflow/model-versions/create", json=body), "reserved")


def test_aliases_in_a_create_body_are_ignored(server, made):
    with server.person("ada") as http:
        body = {"name": made.name, "source": f"runs:/{made.run_id}/model", "run_id": made.run_id}
        extra = {"aliases": ["champion"], "current_stage": "Production"}
        http.post(f"{API}/mlflow/model-versions/create", json=body | extra)

    assert made.champion() is None


@pytest.mark.parametrize("prefix", [API, AJAX])
@pytest.mark.parametrize(
    "path", ["MLmodel", "onnx/model.onnx", "new-file", "new/folder/file", "%4dLmodel", "%254dLmodel"]
)
def test_files_are_frozen_by_a_promotion(frozen, http, prefix, path):
    before = _content(frozen.tree)

    answer = http.put(frozen.artifact(path, prefix), content=b"evil")

    _refused(answer, "register a new version")
    assert _content(frozen.tree) == before


def _content(tree):
    return {str(path.relative_to(tree)): path.is_file() and path.read_bytes() for path in tree.rglob("*")}


@pytest.mark.parametrize("above", ["", "/model", "/model/MLmodel"])
def test_frozen_files_are_not_deleted_from_above(frozen, http, above):
    before = _content(frozen.tree)
    root = f"{API}/mlflow-artifacts/artifacts/{frozen.experiment_id}/{frozen.run_id}/artifacts"

    _refused(http.delete(f"{root}{above}"), "register a new version")
    assert _content(frozen.tree) == before


def test_the_upload_route_of_the_user_interface_is_frozen_too(frozen, http):
    before = _content(frozen.tree)

    params = {"run_uuid": frozen.run_id, "path": "model/MLmodel"}
    answer = http.post(f"{AJAX}/mlflow/upload-artifact", params=params, content=b"evil")

    _refused(answer, "register a new version")
    assert _content(frozen.tree) == before


@pytest.mark.parametrize("action", ["create", "complete", "abort"])
def test_multipart_uploads_lead_nowhere(frozen, http, action):
    before = _content(frozen.tree)
    body = {"path": "MLmodel", "num_parts": 1, "upload_id": "x", "parts": []}
    path = f"{API}/mlflow-artifacts/mpu/{action}/{frozen.experiment_id}/{frozen.run_id}/artifacts/model"

    assert http.post(path, json=body).status_code >= 400
    assert _content(frozen.tree) == before


def test_other_files_of_the_run_are_free(frozen, http):
    path = f"{API}/mlflow-artifacts/artifacts/{frozen.experiment_id}/{frozen.run_id}/artifacts/plots/roc.png"

    assert http.put(path, content=b"png").status_code == 200


def test_an_experiment_over_frozen_files_gives_no_way_in(server, frozen):
    before = _content(frozen.tree)
    place = f"{frozen.experiment_id}/{frozen.run_id}/artifacts/model"
    with server.person("ada") as http:
        for location in (f"mlflow-artifacts:/{place}", frozen.tree.as_uri()):
            body = {"name": server.new_name(), "artifact_location": location}
            made_there = http.post(f"{API}/mlflow/experiments/create", json=body).json()
            if "experiment_id" not in made_there:
                continue
            run = http.post(f"{API}/mlflow/runs/create", json=made_there).json()["run"]["info"]
            params = {"run_uuid": run["run_id"], "path": "x"}
            http.post(f"{AJAX}/mlflow/upload-artifact", params=params, content=b"evil")

    assert _content(frozen.tree) == before


REMOVALS = {
    "run": ("POST", "runs/delete", lambda frozen: {"run_id": frozen.run_id}),
    "experiment": ("POST", "experiments/delete", lambda frozen: {"experiment_id": frozen.experiment_id}),
    "version": ("DELETE", "model-versions/delete", lambda frozen: {"name": frozen.name, "version": "1"}),
    "version-01": ("DELETE", "model-versions/delete", lambda frozen: {"name": frozen.name, "version": "01"}),
    "model": ("DELETE", "registered-models/delete", lambda frozen: {"name": frozen.name}),
    "rename": (
        "POST",
        "registered-models/rename",
        lambda frozen: {"name": frozen.name, "new_name": f"{frozen.name}-x"},
    ),
}


@pytest.mark.parametrize("prefix", [API, AJAX])
@pytest.mark.parametrize("what", REMOVALS)
def test_what_was_promoted_stays(frozen, http, prefix, what):
    method, route, body = REMOVALS[what]

    answer = http.request(method, f"{prefix}/mlflow/{route}", json=body(frozen))

    _refused(answer, "register a new version")
    assert _content(frozen.tree)


def test_before_a_promotion_everything_may_be_removed(made, http):
    method, route, body = REMOVALS["model"]

    assert http.request(method, f"{API}/mlflow/{route}", json=body(made)).status_code == 200


@pytest.mark.parametrize("outcome", ["open", "refused", "rejected"])
def test_what_was_not_promoted_is_still_its_authors(server, made, outcome):
    request = made.ask(evidence={}) if outcome == "refused" else made.ask()
    if outcome == "rejected":
        made.say(request["request_id"], "ben", "reject")

    with server.person("ada") as http:
        assert http.put(made.artifact("MLmodel"), content=b"another").status_code == 200
        assert http.delete(made.artifact("model.skops")).status_code == 200
        for what in ("version", "model", "run", "experiment"):
            method, route, body = REMOVALS[what]
            answer = http.request(method, f"{API}/mlflow/{route}", json=body(made))
            assert answer.status_code == 200, answer.text


def test_files_that_were_swapped_after_the_approval_are_not_promoted(server, made):
    request_id = made.ask()["request_id"]
    made.say(request_id, "ben")
    with server.person("ada") as http:
        assert http.put(made.artifact("MLmodel"), content=b"swapped").status_code == 200

    with pytest.raises(Closed, match="the files of the version"):
        made.say(request_id, "cleo")

    assert made.champion() is None
    with server.person("ada") as http:
        assert http.delete(made.artifact("MLmodel")).status_code == 200


GATE_ROUTES = [
    *((route.method, route.path) for route in Route),
    ("POST", f"{API}/mlflow/registered-models/alias"),
]


@pytest.mark.parametrize(("method", "path"), GATE_ROUTES)
@pytest.mark.parametrize("login", [None, ("ben", "wrong"), ("nobody", "x" * 12), ("ben", "")])
def test_without_a_login_nothing_is_answered(server, method, path, login):
    answer = httpx.request(method, f"{server.url}{path}", json={}, auth=login)

    assert answer.status_code == 401


def test_graphql_changes_nothing(server, plain, http):
    query = 'mutation { setRegisteredModelAlias(name: "x", alias: "champion", version: "1") { name } }'
    http.post("/graphql", json={"query": query})

    assert plain.champion() is None
