"""What a person reads who sends too late or too little, and who opens an address that is no page."""

import re

import pytest

from tests.fakes.mlflow_server import EVIDENCE
from tests.fakes.page_forms import fields_of, page_at, send_form

pytestmark = pytest.mark.any_version

PROMOTABLE = EVIDENCE | {"comparison": {"ci_low": 0.0}}


def _decide(http, request_id, decision, reason):
    fields = fields_of(page_at(http, f"/handrail/requests/{request_id}").text)
    return send_form(
        http, f"/handrail/requests/{request_id}/decision", fields | {"decision": decision, "reason": reason}
    )


@pytest.fixture
def asked(made):
    return made.ask(evidence=PROMOTABLE)["request_id"]


def test_a_decision_that_came_too_late_says_so_first_and_keeps_its_text(server, asked):
    with server.person("ben") as http:
        fields = fields_of(page_at(http, f"/handrail/requests/{asked}").text)
        _decide(http, asked, "reject", "not now")
        late = send_form(
            http, f"/handrail/requests/{asked}/decision", fields | {"decision": "approve", "reason": "it is <good>"}
        )

    assert late.status_code == 409
    said = late.text[late.text.index('id="problem"') : late.text.index("<h1")]
    assert re.search(
        r"Nothing was recorded: the request was decided at .* UTC \(rejected\) before you sent this.", said
    )
    assert "You wrote: <q>it is &lt;good&gt;</q>" in said


def test_a_question_is_counted_for_who_can_answer_and_the_answer_for_who_asked(server, asked):
    with server.person("cleo") as cleo, server.person("ada") as ada:
        _decide(cleo, asked, "ask", "which months?")
        waits = ada.get("/handrail/", headers={"Accept": "application/json"}).json()
        fields = fields_of(page_at(ada, f"/handrail/requests/{asked}").text, "answer")
        send_form(ada, f"/handrail/requests/{asked}/answer", fields | {"answer": "January to June"})
        answered = cleo.get("/handrail/", headers={"Accept": "application/json"}).json()
        html = page_at(ada, "/handrail/").text

    assert [row["question"] for row in waits["asked"] if row["request_id"] == asked] == ["which months?"]
    assert asked in {row["request_id"] for row in answered["mine"]}
    assert "No policy asks your role" in html


def test_a_person_logs_out_and_another_or_the_same_one_logs_in_on_the_same_link(server):
    with server.person("cleo") as cleo, server.person("ada") as ada:
        token = fields_of(page_at(cleo, "/handrail/").text, "logout")["token"]
        path = f"/handrail/logout?token={token}"
        other = page_at(ada, path)
        forged = page_at(cleo, "/handrail/logout?token=1.2")
        left = page_at(cleo, path)
        again = page_at(cleo, path)

    assert (left.status_code, left.headers["WWW-Authenticate"]) == (401, 'Basic realm="mlflow"')
    assert "You are logged out." in left.text
    assert "Cleo" not in left.text
    assert "httponly" in left.headers["Set-Cookie"].lower()
    for answer in (other, forged, again):
        assert (answer.status_code, answer.headers["Location"]) == (303, "/handrail/")


def test_nothing_written_is_asked_for_in_a_sentence_and_the_choice_is_kept(server, asked):
    with server.person("ben") as http:
        answer = _decide(http, asked, "reject", "   ")

    assert answer.status_code == 422
    assert "Nothing was written. Write a reason: one sentence is enough." in answer.text
    assert 'value="reject" required checked' in answer.text


@pytest.mark.parametrize(
    ("path", "page"),
    [
        ("/handrail/requests/{}/decision", "/handrail/requests/{}"),
        ("/handrail/findings/fi-1/close", "/handrail/findings"),
        ("/handrail/rules/propose", "/handrail/rules"),
        ("/handrail/requests/{}/", "/handrail/requests/{}"),
        ("/handrail/rules/", "/handrail/rules"),
        ("/handrail", "/handrail/"),
    ],
)
def test_the_address_of_a_form_or_with_a_slash_too_many_leads_to_its_page(server, asked, path, page):
    with server.person("cleo") as http:
        answer = http.get(path.format(asked), headers={"Accept": "text/html"}, follow_redirects=False)

    assert (answer.status_code, answer.headers["Location"]) == (303, page.format(asked))


def test_an_address_without_a_page_is_a_page_with_the_menu_and_a_problem_for_programs(server):
    with server.person("cleo") as http:
        person = http.get("/handrail/requets", headers={"Accept": "text/html"}, follow_redirects=True)
        program = http.get("/handrail/requets")
        interface = http.get("/handrail/api/v1/nothing", headers={"Accept": "text/html"})

    assert person.status_code == 404
    assert "There is no page at this address." in person.text
    assert 'aria-label="Main"' in person.text
    assert (program.status_code, interface.status_code) == (404, 404)
    assert program.headers["content-type"] == interface.headers["content-type"] == "application/problem+json"
