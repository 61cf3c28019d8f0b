"""Every route of the gate in six spellings, called by everybody: another spelling never lets somebody do more.

A sample of the spellings in every run, all of them with `HANDRAIL_TEST_EFFORT=2`.
"""

import httpx
import pytest

from handrail.entrypoints.http.gate_routes import Route
from tests.fakes.effort import TIMES
from tests.fakes.mlflow_server import EVIDENCE, password

SPELLINGS = {
    "plain": lambda path: path,
    "a letter in percents": lambda path: path[:-1] + f"%{ord(path[-1]):02x}",
    "a doubled slash": lambda path: path.replace("/api/", "//api/"),
    "a dot": lambda path: path.replace("/api/", "/./api/"),
    "a way up": lambda path: path.replace("/api/", "/x/../api/"),
    "a slash in percents": lambda path: path.replace("/api/", "%2fapi/"),
}
NOBODY = frozenset[str]()
LOGGED_IN = frozenset({"reader", "author", "editor", "approver", "admin"})
MAY = {
    **dict.fromkeys((Route.OPEN_REQUEST, Route.NONCE), {"author", "admin"}),
    Route.DECIDE: {"approver"},
    Route.CHANGES: LOGGED_IN,
    Route.OPEN_FINDING: {"reader", "author", "approver"},
    **dict.fromkeys(
        (Route.REQUESTS, Route.FINDINGS, Route.REVOCATIONS, Route.RULES, Route.RULE_CHANGES, Route.METRICS), LOGGED_IN
    ),
}
"""Who is answered with success here; nothing was promoted, asked, proposed or found that the other routes are about."""


@pytest.fixture(scope="module")
def made(server):
    """A version by Ada that somebody asked about, of a model that one more account may edit."""
    made = server.make_version()
    server.admin.post("/api/2.0/mlflow/users/create", json={"username": "edda", "password": password("edda")})
    grant = {"username": "edda", "resource_type": "registered_model", "resource_id": made.name, "permission": "EDIT"}
    assert server.admin.post("/api/3.0/mlflow/users/permissions/grant", json=grant).status_code == 200
    return made


@pytest.fixture(scope="module")
def asked(made):
    return made.ask()["request_id"]


@pytest.fixture(scope="module")
def callers(server):
    accounts = {"reader": "dora", "author": "ada", "editor": "edda", "approver": "ben"}
    people = {who: server.person(account) for who, account in accounts.items()}
    people |= {"anonymous": httpx.Client(base_url=server.url, timeout=60), "admin": server.admin}
    yield people
    for who, http in people.items():
        if who != "admin":
            http.close()


def _body(route, made, request_id):
    about = {"model": made.name, "version": made.version, "alias": "champion", "reason": "why"}
    said = {"request_id": request_id, "reason": "why"}
    return {
        Route.OPEN_REQUEST: about | {"evidence": [{"name": name, "content": sent} for name, sent in EVIDENCE.items()]},
        Route.ADOPT: {key: value for key, value in about.items() if key != "version"},
        Route.DECIDE: said | {"decision": "approve"},
        Route.ANSWER: {"request_id": request_id, "answer": "none"},
        Route.OPEN_FINDING: {"model": made.name, "text": "drift", "severity": "low"},
        Route.CLOSE_FINDING: {"finding_id": "fi-0123456789abcdef0123", "reason": "why"},
        Route.RENEW: said,
        Route.ROLL_BACK: about,
        Route.BREAK_GLASS: about,
        Route.REVOKE: said,
        Route.PROPOSE_RULES: {"reason": "why"},
        Route.DECIDE_RULES: {"change_id": "rc-0123456789abcdef0123", "decision": "approve", "reason": "why"},
        Route.SNAPSHOT: {},
        Route.PREDICTIONS: {},
        Route.CONFIRM_SNAPSHOT: {"model": made.name, "snapshot": "sha256:" + "0" * 64},
        Route.NONCE: {key: value for key, value in about.items() if key != "reason"},
        Route.CONFIRM: {"request_id": request_id},
    }[route]


def _call(http, route, path, made, request_id):
    url = httpx.URL(str(http.base_url)).copy_with(raw_path=path.encode())
    if route is Route.CHANGES:
        url = url.copy_with(query=f"id={request_id}".encode())
    body = {} if route.method == "GET" else {"json": _body(route, made, request_id)}
    return http.request(route.method, url, **body)


@pytest.mark.parametrize("route", list(Route))
def test_no_spelling_of_a_route_lets_anybody_do_more(made, asked, callers, route):
    others = list(SPELLINGS)[1:]
    for place, (who, http) in enumerate(sorted(callers.items())):
        drawn = others if TIMES > 1 else [others[(place + list(Route).index(route)) % len(others)]]
        plain = _call(http, route, route.path, made, asked)

        assert plain.is_success == (who in MAY.get(route, NOBODY)), (who, plain.status_code, plain.text)
        assert plain.status_code < 500, (who, plain.text)
        assert (plain.status_code == 401) == (who == "anonymous"), (who, plain.text)
        for spelling in drawn:
            answer = _call(http, route, SPELLINGS[spelling](route.path), made, asked)
            assert answer.status_code < 500, (who, spelling, answer.text)
            assert plain.is_success or not answer.is_success, (who, spelling, answer.text)

    assert made.champion() is None


def test_only_who_may_decide_has_decided(server, made, asked):
    with server.gate("ada") as gate:
        found = gate.request(asked)

    assert {decision["account"] for decision in found["decisions"]} <= {"ben"}
    assert found["verdict"] == "pending"
