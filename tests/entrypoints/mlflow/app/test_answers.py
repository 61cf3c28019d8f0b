"""What persons answer to a request, over HTTP on a real server: about what they were shown, and with questions."""

import pytest

from handrail.approvals import NotAsShown, NotEligible
from handrail.bootstrap.approvals import tree_digest
from handrail.errors import InvalidInput, Refused
from tests.fakes.approvals import EVIDENCE
from tests.fakes.mlflow_server import PERSONS

WITHOUT_DORA = {name: keys for name, keys in PERSONS.items() if name != "Dora"}


def test_a_decision_about_other_facts_is_a_conflict_that_says_what_changed(server, made):
    request_id = made.ask()["request_id"]
    other = made.ask(evidence=EVIDENCE | {"more": {}})["request_id"]
    with server.gate("ben") as ben, server.gate("cleo") as cleo:
        seen = ben.request(request_id)["seen"]
        cleo.decide(other, "reject", "leaks the label")

        with pytest.raises(NotAsShown) as caught:
            ben.decide(request_id, "approve", "fine", seen=seen)
        shown = ben.request(request_id)

        assert caught.value.changes == (f"Cleo rejected the same files in {other}: 'leaks the label'.",)
        assert shown["decisions"] == []
        assert ben.decide(request_id, "approve", "fine", seen=shown["seen"])["decisions"]
    body = {"request_id": request_id, "decision": "approve", "reason": "fine", "seen": seen}
    with server.person("cleo") as http:
        assert http.post("/handrail/api/v1/decisions", json=body).status_code == 409
        assert http.post("/handrail/api/v1/decisions", json=body | {"seen": "x"}).status_code == 422


def test_a_question_holds_the_alias_until_it_is_answered(server, made):
    request_id = made.ask()["request_id"]
    made.say(request_id, "cleo")
    with server.gate("ben") as ben, server.gate("ada") as ada, server.gate("cleo") as cleo:
        asked = ben.decide(request_id, "ask", "which slices?")
        with pytest.raises(NotEligible):
            cleo.answer(request_id, "all")
        with pytest.raises(InvalidInput):
            ada.answer(request_id, "all", 0)
        answered = ada.answer(request_id, "all of them")

        assert "It waits for an answer to Ben: 'which slices?'" in asked["reasons"]
        assert answered["questions"][0]["answer"] == "all of them"
        assert made.champion() is None
        assert ben.decide(request_id, "approve", "fine")["verdict"] == "promoted"


def test_an_open_finding_shuts_the_gate_until_a_person_closes_it(server, made):
    server.write_roles(services={"monitoring": {"accounts": ["dora"], "owner": "Ben"}}, persons=WITHOUT_DORA)
    request_id = made.ask()["request_id"]
    with server.gate("dora") as monitor, server.gate("cleo") as cleo, server.gate("ada") as ada:
        finding = monitor.open_finding(made.name, "drift", "high", version=made.version)
        made.say(request_id, "ben")
        waiting = made.say(request_id, "cleo")

        assert waiting["verdict"] == "pending"
        assert made.champion() is None
        assert [row["finding_id"] for row in ada.findings(made.name, only_open=True)] == [finding["finding_id"]]
        with pytest.raises(NotEligible, match="services open findings"):
            monitor.close_finding(finding["finding_id"], "fine")
        assert cleo.close_finding(finding["finding_id"], "seen wrongly")["open"] is False
        assert cleo.decide(request_id, "approve", "fine")["verdict"] == "promoted"
        with pytest.raises(InvalidInput, match="severity"):
            monitor.open_finding(made.name, "drift", "awful")


def test_a_void_request_is_renewed_and_shows_what_changed(server, made):
    old = made.ask()["request_id"]
    made.say(old, "ben")
    server.write_roles(persons=PERSONS | {"Eve": {"accounts": ["eve"], "roles": ["ml-engineer"]}})

    with server.gate("ada") as ada, server.gate("dora") as dora:
        with pytest.raises(Refused, match="lacks the permission"):
            dora.renew(old)
        new = ada.renew(old)

    assert (new["renews"], new["verdict"]) == (old, "pending")
    (since,) = new["changes"]
    assert since["person"] == "Ben"
    assert "Who could decide about it" in since["changes"][0]


def test_one_approval_rolls_back(server, made):
    made.promote()
    newer = server.make_version(name=made.name)
    request_id = newer.ask(evidence=EVIDENCE | {"comparison": {"ci_low": 0.0, "incumbent": tree_digest(made.tree)}})[
        "request_id"
    ]
    newer.say(request_id, "ben")
    assert newer.say(request_id, "cleo")["verdict"] == "promoted"

    with server.gate("ada") as ada, server.gate("cleo") as cleo:
        back = ada.roll_back(model=made.name, version=made.version, alias="champion", reason="2 fails")
        done = cleo.decide(back["request_id"], "approve", "so it does")

    assert (done["verdict"], done["purpose"]) == ("promoted", "rollback")
    assert made.champion() == "1"


def test_breaking_the_glass_is_for_the_role_that_the_policy_names(server, made):
    with server.gate("dora") as dora, pytest.raises(NotEligible, match="break the glass"):
        dora.break_glass(model=made.name, version=made.version, alias="champion", reason="it is down")

    assert made.champion() is None
