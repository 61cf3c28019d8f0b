"""What people send by mistake or on purpose: one sentence, a 4xx, and nothing that was accepted is lost."""

import json

import pytest

from handrail.entrypoints.http.gate_client import GateClient, NotLoggedIn
from handrail.errors import InvalidInput, Misconfigured, Refused, Unavailable, UnknownReference
from tests.fakes.mlflow_server import password

pytestmark = pytest.mark.any_version


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [("quorum:", "quorom:", "'quorom' is unknown. Did you mean 'quorum'"), ("rules:", "rules: [", "it is not YAML")],
)
def test_a_mistake_in_the_policy_is_reported_and_what_was_in_force_rules(server, made, old, new, words):
    request_id = made.ask()["request_id"]
    file = server.settings.config / "policies" / "champion.yaml"
    text = file.read_text()
    file.write_text(text.replace(old, new))
    try:
        with server.gate("ada") as gate:
            assert any(words in sentence for sentence in gate.rules.in_force()["files"])
            with pytest.raises(Misconfigured, match=words):
                gate.rules.propose("simpler")
        assert made.say(request_id, "ben")["verdict"] == "pending"
        with server.person("ada") as http:
            body = {"name": made.name, "alias": "champion", "version": "1"}
            assert http.post("/api/2.0/mlflow/registered-models/alias", json=body).status_code == 403
    finally:
        file.write_text(text)
    assert made.say(request_id, "cleo")["verdict"] == "promoted"


def test_a_wrong_password_and_a_wrong_address_are_named(server, tmp_path):
    with GateClient(server.url, "ben", "wrong") as gate, pytest.raises(NotLoggedIn, match="'ben'"):
        gate.requests()
    with GateClient("http://127.0.0.1:9", "ben", "x") as gate, pytest.raises(Unavailable, match="mlflow_url"):
        gate.requests()
    with (
        GateClient(f"{server.url}/nowhere", "ben", password("ben")) as gate,
        pytest.raises(Refused, match="nothing at this path. Correct the address"),
    ):
        gate.requests()


GOOD = {"model": "m", "version": "1", "alias": "champion", "reason": "x", "evidence": []}


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        (b"", 400, "body"),
        (b"[]", 400, "body"),
        (b"{", 400, "body"),
        (b'{"version": NaN}', 400, "body"),
        (b'{"a": ' + b"[" * 100_000, 400, "body"),
        (json.dumps(GOOD | {"evidense": []}).encode(), 422, "evidense"),
        (json.dumps(GOOD | {"model": ""}).encode(), 422, "model"),
        (json.dumps(GOOD | {"model": 3}).encode(), 422, "model"),
        (json.dumps(GOOD | {"reason": "x" * 5000}).encode(), 422, "reason"),
        (json.dumps(GOOD | {"version": "latest"}).encode(), 422, "version"),
        (json.dumps(GOOD | {"version": True}).encode(), 422, "version"),
        (json.dumps(GOOD | {"version": -1}).encode(), 422, "version"),
        (json.dumps(GOOD | {"evidence": {}}).encode(), 422, "evidence"),
        (json.dumps(GOOD | {"evidence": [{}]}).encode(), 422, "evidence[0]"),
        (json.dumps(GOOD | {"evidence": [{"name": "A b", "content": {}}]}).encode(), 422, "evidence[0].name"),
        (json.dumps(GOOD | {"evidence": [{"name": "a", "content": 3}]}).encode(), 422, "evidence[0].content"),
        (json.dumps(GOOD | {"evidence": [{"name": "a", "content": {}}] * 2}).encode(), 422, "evidence[1].name"),
        (
            json.dumps(GOOD | {"evidence": [{"name": "a", "content": {"b": "\ud800"}}]}).encode(),
            422,
            "evidence[0].content",
        ),
        (
            json.dumps(GOOD | {"evidence": [{"name": "a", "content": {"b": 0}}]}).replace("0}", "1e999}").encode(),
            422,
            "evidence[0].content",
        ),
        (json.dumps(GOOD | {"reason": "\ud800"}).encode(), 422, "reason"),
        (json.dumps(GOOD | {"reason": "a\0b"}).encode(), 422, "reason"),
        (json.dumps(GOOD | {"reason": "a\nb"}).encode(), 422, "reason"),
        (json.dumps(GOOD | {"reason": "a\u202eb"}).encode(), 422, "reason"),
        (json.dumps(GOOD | {"reason": "a\x9bb"}).encode(), 422, "reason"),
        (json.dumps(GOOD | {"model": "no-such-model"}).encode(), 422, "registered model"),
        (b" " * (10 << 20), 413, "body"),
    ],
)
def test_bad_input_is_one_sentence_that_names_the_field(server, body, status, field):
    with server.person("ada") as http:
        answer = http.post(
            "/handrail/api/v1/promotion-requests", content=body, headers={"Content-Type": "application/json"}
        )

    problem = answer.json()
    assert (answer.status_code, problem["status"], problem["field"]) == (status, status, field)
    assert problem["detail"].endswith(".")
    assert "Traceback" not in answer.text


@pytest.mark.parametrize(
    ("reason", "status", "field"),
    [
        ("x" * (1 << 20), 413, "body"),
        ("x" * 4001, 422, "reason"),
        ("looked\nat it", 422, "reason"),
        ("fine \u202egnihton", 422, "reason"),
        ("\u2066fine", 422, "reason"),
        ("fine\u0000", 422, "reason"),
    ],
)
@pytest.mark.parametrize("decision", ["approve", "reject", "ask"])
def test_a_reason_that_nobody_could_read_decides_nothing(server, made, decision, reason, status, field):
    request_id = made.ask()["request_id"]
    body = {"request_id": request_id, "decision": decision, "reason": reason}

    with server.person("ben") as http:
        answer = http.post("/handrail/api/v1/decisions", json=body)

    assert (answer.status_code, answer.json()["field"]) == (status, field)
    with server.gate("ben") as gate:
        assert gate.request(request_id)["decisions"] == []


def test_a_reason_with_html_is_text_and_comes_back_as_it_was_sent(server, made):
    request_id, reason = made.ask()["request_id"], "<script>alert(1)</script> [bold]a < b[/bold] &amp;"
    with server.person("ben") as http:
        body = {"request_id": request_id, "decision": "approve", "reason": reason}
        answer = http.post("/handrail/api/v1/decisions", json=body)
        shown = http.get("/handrail/api/v1/promotion-requests", params={"id": request_id})

    assert answer.json()["decisions"][0]["reason"] == shown.json()["decisions"][0]["reason"] == reason
    assert shown.headers["content-type"] == "application/json"


def test_a_decision_that_is_replayed_changes_nothing(server, made):
    request_id = made.ask()["request_id"]
    body = {"request_id": request_id, "decision": "approve", "reason": "looked at it"}
    with server.person("ben") as http:
        first, again = (http.post("/handrail/api/v1/decisions", json=body).json() for _ in range(2))
    assert first == again
    made.say(request_id, "cleo")
    with server.person("ben") as http:
        late = http.post("/handrail/api/v1/decisions", json=body).json()

    assert (late["verdict"], len(late["decisions"])) == ("promoted", 2)


def test_evidence_that_is_too_large_is_said_to_be(server, made):
    with pytest.raises(
        InvalidInput, match=r"^body: it is larger than 1,048,576 bytes\. Send less evidence\.$"
    ) as caught:
        made.ask(evidence={"evaluation": {"page": "x" * (2 << 20)}})

    assert caught.value.field == "body"


def test_a_form_of_another_site_cannot_decide(server):
    form = json.dumps({"request_id": "x", "decision": "approve", "reason": "x"})
    for kind in ("text/plain", "application/x-www-form-urlencoded"):
        with server.person("ben") as http:
            answer = http.post("/handrail/api/v1/decisions", content=form, headers={"Content-Type": kind})
        assert (answer.status_code, answer.json()["field"]) == (415, "Content-Type")


FOREIGN = (
    {"Origin": "https://evil.example"},
    {"Origin": "http://localhost:9"},
    {"Origin": "null"},
    {"Sec-Fetch-Site": "cross-site"},
    {"Host": "evil.example"},
)


@pytest.mark.parametrize("headers", FOREIGN)
def test_a_page_of_another_site_cannot_use_the_login_of_a_browser(server, made, headers):
    request_id = made.ask()["request_id"]
    body = {"request_id": request_id, "decision": "approve", "reason": "x"}

    with server.person("ben") as http:
        answer = http.post("/handrail/api/v1/decisions", json=body, headers=headers)

    assert answer.status_code == 403
    with server.gate("ben") as gate:
        assert gate.request(request_id)["decisions"] == []


@pytest.mark.parametrize("origin", [{"Origin": "https://evil.example"}, {"Origin": "http://localhost:9"}])
def test_a_page_of_another_site_reads_nothing_either(server, origin):
    with server.person("ben") as http:
        assert http.get("/handrail/api/v1/promotion-requests", headers=origin).status_code == 403


def test_a_page_of_this_server_may_ask(server):
    with server.person("ben") as http:
        headers = {"Origin": server.url, "Sec-Fetch-Site": "same-origin"}
        assert http.get("/handrail/api/v1/promotion-requests", headers=headers).status_code == 200


def test_an_unknown_version_policy_or_request_is_named(server, made):
    made.version = 99
    with pytest.raises(UnknownReference, match=f"{made.name}/99"):
        made.ask()
    made.version = 1
    with pytest.raises(UnknownReference, match="no policy named .*challenger'"):
        made.ask(alias="challenger")
    with pytest.raises(UnknownReference, match="pr-none"):
        made.say("pr-none", "ben")


def test_a_list_comes_in_pages_that_lead_on(server, made):
    other = server.make_version()
    asked = [made.ask()["request_id"], other.ask()["request_id"]]
    path, found, after = "/handrail/api/v1/promotion-requests", [], {}
    with server.person("ada") as http:
        while after is not None:
            page = http.get(path, params={"limit": "1", "state": "open"} | after).json()
            assert len(page["requests"]) <= 1
            found += [row["request_id"] for row in page["requests"]]
            after = {"after": page["next"]} if "next" in page else None
        for query in ({"limit": "51"}, {"limit": "x"}, {"after": "-1"}, {"after": "9" * 13}):
            assert http.get(path, params=query).status_code == 400

    assert [each for each in found if each in asked] == asked
    with server.gate("ada") as gate:
        assert [row["request_id"] for row in gate.requests(only_open=True)] == found
