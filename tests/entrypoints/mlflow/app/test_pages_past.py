"""A request as of an earlier moment on a real server, and the person behind each account that pages name."""

from datetime import datetime, timedelta
from urllib.parse import quote

import pytest

from tests.fakes.mlflow_server import EVIDENCE, PERSONS
from tests.fakes.page_forms import facts_at, fields_of, page_at, send_form

pytestmark = pytest.mark.any_version
PROMOTABLE = EVIDENCE | {"comparison": {"ci_low": 0.0}}


@pytest.fixture(scope="module")
def made(server):
    """A version that Ben and Cleo approved by forms, about which a question was answered before."""
    server.write_roles()
    made = server.make_version()
    request_id = made.ask(evidence=PROMOTABLE)["request_id"]
    made.say(request_id, "cleo", "ask")
    with server.gate("ada") as gate:
        gate.answer(request_id, "all of them")
    path = f"/handrail/requests/{request_id}"
    for account in ("ben", "cleo"):
        with server.person(account) as http:
            fields = fields_of(page_at(http, path).text, "decision")
            sent = fields | {"decision": "approve", "reason": f"{account} looked"}
            assert send_form(http, f"{path}/decision", sent).status_code == 303
    made.path = path
    return made


def _as_of(made, moment):
    return f"{made.path}?as_of={quote(moment)}"


def test_history_leads_to_what_each_person_was_shown_and_their_decision_carries_its_digest(server, made):
    with server.person("dora") as http:
        html, history = page_at(http, made.path).text, facts_at(http, made.path)["history"]
        links = [each["shown_at"] for each in history if each["shown_at"]]
        then = [facts_at(http, _as_of(made, moment)) for moment in links]
        shown = page_at(http, _as_of(made, links[1])).text

    assert html.count("as it was shown then") == 3
    assert [each["verdict"] for each in then] == ["pending", "pending", "pending"]
    assert "sent no digest" in then[0]["past"]["sentences"][0]
    assert [sentence.partition(" exactly")[0] for sentence in then[1]["past"]["sentences"]] == [
        "Ben (ben) approved",
        "Cleo (cleo) approved",
    ]
    assert [len(place["given"]) for place in then[2]["votes"]["steps"][0]] == [0, 1]
    assert then[1]["seen"] != then[0]["seen"]
    assert "This is the past" in shown
    assert 'method="post"' not in shown
    assert "ben looked" not in shown


def test_rules_and_roles_of_then_are_shown_whatever_they_are_now(server, made):
    moment = datetime.now().astimezone().isoformat()
    server.write_roles(PERSONS | {"Ben": {"accounts": ["ben"], "roles": ["data-scientist"]}})
    with server.person("dora") as http:
        first = next(each["shown_at"] for each in facts_at(http, made.path)["history"] if each["shown_at"])
        then, now = facts_at(http, _as_of(made, first)), facts_at(http, _as_of(made, moment))

    assert {name for place in then["votes"]["steps"][0] for name in place["could"]} == {"Ben", "Cleo"}
    assert now["verdict"] == "promoted"


@pytest.mark.parametrize(
    ("moment", "status", "said"),
    [
        ("last tuesday", 400, "is not a moment"),
        ("2999-01-01", 400, "is not there yet"),
        ("2001-01-01", 404, "It was opened at"),
        ("9999-12-31 23:59 -12:00", 400, "is not a moment"),
    ],
)
def test_a_moment_that_cannot_be_shown_is_one_sentence(server, made, moment, status, said):
    with server.person("dora") as http:
        answer = page_at(http, _as_of(made, moment))
        as_json = http.get(_as_of(made, moment), headers={"Accept": "application/json"})

    assert (answer.status_code, as_json.status_code) == (status, status)
    assert said in answer.text
    assert said in as_json.json()["detail"]


def test_the_past_is_for_whoever_may_read_the_model(server):
    closed = server.make_version()
    closed.path = f"/handrail/requests/{closed.ask(evidence=PROMOTABLE)['request_id']}"
    body = {"username": "dora", "resource_type": "registered_model", "resource_id": closed.name, "permission": "DENY"}
    granted = server.admin.post("/api/3.0/mlflow/users/permissions/grant", json=body)
    assert granted.status_code == 200, granted.text
    with server.person("dora") as http:
        answer = page_at(http, _as_of(closed, (datetime.now().astimezone() - timedelta(seconds=1)).isoformat()))

    assert answer.status_code == 403
    assert "Ada (ada)" not in answer.text


def test_pages_name_the_person_with_the_account_beside_it(server, made):
    waiting = made.server.make_version()
    waiting.ask(evidence=PROMOTABLE)
    with server.person("cleo") as http:
        request, inbox = page_at(http, made.path).text, page_at(http, "/handrail/").text
        timeline = page_at(http, f"/handrail/timeline/{made.name}/champion?at=2099-01-01").text
        log = page_at(http, "/handrail/log").text

    assert "Asked by Ada (ada)" in request
    assert "made by Ada (ada)" in request
    assert "Ben (ben) approved" in request
    assert "Asked by Ada (ada)" in inbox
    assert "asked by Ada (ada), made by Ada (ada)" in timeline
    assert "Ben (ben)" in log
