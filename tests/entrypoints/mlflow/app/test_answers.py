"""What persons answer to a request, over HTTP on a real server: about what they were shown, and with questions."""

import pytest

from handrail.approvals import NotAsShown, NotEligible
from handrail.errors import InvalidInput
from tests.fakes.approvals import EVIDENCE


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
