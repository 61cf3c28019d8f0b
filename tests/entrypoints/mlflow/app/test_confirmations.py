"""Other systems ask a real server whether a deployment may go on."""

import httpx
import pytest

from handrail.entrypoints.http.gate_routes import Route
from tests.fakes import outside_hooks as hooks
from tests.fakes.mlflow_server import GITHUB_SECRET, TOKEN

pytestmark = pytest.mark.any_version
BEARER = {"Authorization": f"Bearer {TOKEN}"}


@pytest.fixture
def outside(server):
    """Somebody without an account."""
    with httpx.Client(base_url=server.url, timeout=60) as client:
        yield client


@pytest.fixture(scope="module")
def promoted(server):
    made = server.make_version()
    return made, made.promote()


def _metadata(running, promoted, other=()):
    made, request = promoted
    return running.use(made).to_json() | {"tree_digest": request["tree_digest"]} | dict(other)


@pytest.mark.parametrize("hook", [hooks.flagger, hooks.argo])
def test_a_valid_permit_confirms_its_use_and_tree(server, promoted, outside, hook):
    made, request = promoted

    answer = outside.post(Route.CONFIRM.path, json=hook(_metadata(server, (made, request))), headers=BEARER)

    assert answer.status_code == 200, answer.text
    said = answer.json()
    assert (said["confirmed"], said["request_id"], said["approvers"]) == (True, request["request_id"], ["Ben", "Cleo"])


@pytest.mark.parametrize(
    "other",
    [
        {"alias": "shadow"},
        {"environment": "elsewhere"},
        {"server": "other-1"},
        {"model": "other"},
        {"tree_digest": f"sha256:{'0' * 64}"},
    ],
    ids=lambda other: next(iter(other)),
)
def test_another_use_or_tree_is_halted_with_a_reason(server, promoted, outside, other):
    body = hooks.flagger(_metadata(server, promoted, other))

    answer = outside.post(Route.CONFIRM.path, json=body, headers=BEARER)

    assert answer.status_code == 403
    assert "is refused" in answer.json()["detail"]


def test_a_permit_that_was_taken_back_confirms_nothing(server, outside):
    made = server.make_version()
    request = made.promote()
    with server.gate("ben") as gate:
        gate.revoke(request["request_id"], "leaks the label")

    answer = outside.post(Route.CONFIRM.path, json=hooks.flagger(_metadata(server, (made, request))), headers=BEARER)

    assert answer.status_code == 403
    assert "Ben took the permit back" in answer.json()["detail"]
    assert "'leaks the label'" in answer.json()["detail"]


@pytest.mark.parametrize("missing", ["server", "model", "alias", "environment", "tree_digest"])
def test_a_question_that_leaves_something_out_is_halted(server, promoted, outside, missing):
    metadata = _metadata(server, promoted)
    del metadata[missing]

    answer = outside.post(Route.CONFIRM.path, json=hooks.flagger(metadata), headers=BEARER)

    assert (answer.status_code, answer.json()["field"]) == (422, f"metadata.{missing}")


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Bearer"},
        {"Authorization": f"Bearer {TOKEN}x"},
        {"Authorization": f"bearer {TOKEN[:-1]}"},
        {"Authorization": f"Token {TOKEN}"},
        {"X-Hub-Signature-256": ""},
        BEARER | {"X-Hub-Signature-256": "sha256="},
    ],
)
def test_nobody_is_answered_without_the_secret(server, promoted, outside, headers):
    body = hooks.flagger(_metadata(server, promoted))

    assert outside.post(Route.CONFIRM.path, json=body, headers=headers).status_code == 401


def test_an_account_may_ask_about_models_that_it_may_read(server, promoted):
    body = hooks.flagger(_metadata(server, promoted))
    with server.person("ben") as http:
        assert http.post(Route.CONFIRM.path, json=body).status_code == 200
        unknown = hooks.flagger(_metadata(server, promoted, {"model": "no-such"}))
        assert http.post(Route.CONFIRM.path, json=unknown).status_code == 422


@pytest.mark.parametrize("route", [Route.DECIDE, Route.OPEN_REQUEST, Route.REVOKE, Route.SNAPSHOT, Route.METRICS])
def test_a_signature_opens_no_other_route(outside, route):
    body, headers = hooks.signed({}, GITHUB_SECRET)

    assert outside.request(route.method, route.path, content=body, headers=headers).status_code == 401


def test_githubs_signature_is_that_of_exactly_these_bytes(outside):
    body, headers = hooks.signed(hooks.github(), GITHUB_SECRET)
    flipped = body.replace(b"production", b"Production", 1)

    assert outside.post(Route.CONFIRM.path, content=flipped, headers=headers).status_code == 401
    _, forged = hooks.signed(hooks.github(), "another secret of enough length")
    assert outside.post(Route.CONFIRM.path, content=body, headers=forged).status_code == 401


def test_another_event_of_github_is_taken_and_ignored(outside):
    body, headers = hooks.signed({"zen": "Speak like a human."}, GITHUB_SECRET, "ping")

    answer = outside.post(Route.CONFIRM.path, content=body, headers=headers)

    assert (answer.status_code, answer.json()) == (200, {"ignored": "ping"})


@pytest.mark.parametrize(
    "callback",
    [
        "https://evil.example/repos/octo/shop/actions/runs/1/deployment_protection_rule",
        "https://api.github.com@evil.example/repos/octo/shop/actions/runs/1/deployment_protection_rule",
        "http://127.0.0.1:9/repos/octo/shop/actions/runs/1/deployment_protection_rule",
    ],
)
def test_a_callback_to_another_host_is_refused_and_never_called(outside, callback):
    body, headers = hooks.signed(hooks.github(callback=callback), GITHUB_SECRET)

    answer = outside.post(Route.CONFIRM.path, content=body, headers=headers)

    assert answer.status_code == 403
    assert "confirmations.github_hosts" in answer.json()["detail"]


def test_a_question_of_a_megabyte_is_not_read(outside):
    answer = outside.post(
        Route.CONFIRM.path, content=b" " * (2 << 20), headers=BEARER | {"Content-Type": "application/json"}
    )

    assert answer.status_code == 413
