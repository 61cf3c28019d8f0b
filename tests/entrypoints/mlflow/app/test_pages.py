"""The console's pages on a real server: who may look, what a form needs, and that nothing else gets through."""

import re
from html import unescape
from urllib.parse import urlsplit

import httpx
import pytest

from handrail.entrypoints.console.pages import POLICY
from tests.fakes.mlflow_server import EVIDENCE, PERSONS
from tests.fakes.page_forms import fields_of, page_at, send_form

pytestmark = pytest.mark.any_version

PROMOTABLE = EVIDENCE | {"comparison": {"ci_low": 0.0}}


def _decide(http, request_id, decision="approve", reason="looked at it", **changed):
    fields = fields_of(page_at(http, f"/handrail/requests/{request_id}").text)
    sent = fields | {"decision": decision, "reason": reason} | changed
    return send_form(http, f"/handrail/requests/{request_id}/decision", sent)


@pytest.fixture
def asked(made):
    return made.ask(evidence=PROMOTABLE)["request_id"]


def test_nobody_reads_a_page_without_a_login(server, asked):
    with httpx.Client(base_url=server.url) as http:
        for path in ("/handrail/", f"/handrail/requests/{asked}", "/handrail/static/console.css", "/handrail/log"):
            assert http.get(path).status_code == 401


def test_every_page_asks_the_browser_to_be_strict(server, asked):
    with server.person("cleo") as http:
        for path in ("/handrail/", f"/handrail/requests/{asked}", "/handrail/timeline", "/handrail/rules"):
            answer = page_at(http, path)
            assert answer.status_code == 200
            assert answer.headers["Content-Security-Policy"] == POLICY
            assert answer.headers["X-Frame-Options"] in ("DENY", "SAMEORIGIN")
            assert len(answer.content) < 100_000
            assert "<script>" not in answer.text
            assert " style=" not in answer.text


def test_a_request_waits_in_the_inbox_of_who_may_decide_and_of_nobody_else(server, asked):
    facts = {}
    for account in ("ben", "ada"):
        with server.person(account) as http:
            facts[account] = http.get("/handrail/", headers={"Accept": "application/json"}).json()

    assert asked in {row["request_id"] for row in facts["ben"]["mine"]}
    assert asked in {row["request_id"] for row in facts["ada"]["others"]}
    assert "waits for you" in facts["ben"]["title"] or "wait for you" in facts["ben"]["title"]


def test_two_persons_approve_in_the_browser_and_the_alias_moves(server, made, asked):
    with server.person("ben") as http:
        first = _decide(http, asked)
        after = page_at(http, first.headers["Location"]).text
    with server.person("cleo") as http:
        second = _decide(http, asked, reason="fits\r\nwhat staff need")
        promoted = page_at(http, second.headers["Location"]).text

    assert (first.status_code, second.status_code) == (303, 303)
    assert "Your approval is recorded." in after
    assert "1 of 2 approvals" in after
    assert f"{made.name} 1 is champion now." in promoted
    assert "fits what staff need" in promoted
    assert made.champion() == "1"


def test_the_author_reads_why_they_may_not_decide_and_has_no_form(server, asked):
    with server.person("ada") as http:
        html = page_at(http, f"/handrail/requests/{asked}").text

    assert "You can read this, but not decide." in html
    assert "/decision" not in html


def test_a_form_of_another_page_of_another_person_or_about_other_facts_records_nothing(server, asked):
    with server.person("ben") as ben, server.person("cleo") as cleo:
        own = fields_of(page_at(ben, f"/handrail/requests/{asked}").text) | {"decision": "approve", "reason": "x"}
        path = f"/handrail/requests/{asked}/decision"
        refused = [
            send_form(cleo, path, own),
            send_form(ben, path, own | {"token": ""}),
            send_form(ben, path, own | {"seen": "sha256:" + "0" * 64}),
            send_form(ben, path, own, Origin="http://evil.example"),
            send_form(ben, path, own, Origin="null"),
            send_form(ben, path, own, **{"Sec-Fetch-Site": "cross-site"}),
            ben.post(path, data=own),
            ben.post(path, json=own, headers={"Origin": str(ben.base_url).rstrip("/")}),
        ]
        facts = ben.get(f"/handrail/requests/{asked}", headers={"Accept": "application/json"}).json()

    assert [answer.status_code for answer in refused] == [403] * len(refused)
    assert all(not place["given"] for step in facts["votes"]["steps"] for place in step)


def test_what_changed_while_a_person_read_is_shown_and_their_text_is_kept(server, made, asked):
    with server.person("ben") as http:
        fields = fields_of(page_at(http, f"/handrail/requests/{asked}").text)
        with server.person("cleo") as other:
            _decide(other, asked, "ask", "which months?")
        answer = send_form(
            http, f"/handrail/requests/{asked}/decision", fields | {"decision": "approve", "reason": "fine & good"}
        )

    assert answer.status_code == 409
    assert "Nothing was recorded: the request changed after you opened it." in answer.text
    assert "which months?" in answer.text
    assert "fine &amp; good</textarea>" in answer.text
    assert made.champion() is None


def test_a_question_is_answered_on_the_page_by_whoever_asked_for_the_version(server, asked):
    with server.person("cleo") as http:
        _decide(http, asked, "ask", "which months?")
    with server.person("ben") as http:
        assert "Your answer" not in page_at(http, f"/handrail/requests/{asked}").text
    with server.person("ada") as http:
        page = f"/handrail/requests/{asked}"
        fields = fields_of(page_at(http, page).text, "answer")
        answer = send_form(http, f"{page}/answer", fields | {"answer": "January to June"})
        html = page_at(http, answer.headers["Location"]).text

    assert answer.status_code == 303
    assert "The answer is recorded." in html
    assert "January to June" in html


def test_the_same_twice_changes_nothing_and_says_so(server, asked):
    with server.person("ben") as http:
        _decide(http, asked)
        fields = fields_of(page_at(http, f"/handrail/requests/{asked}").text)
        again = send_form(http, f"/handrail/requests/{asked}/decision", fields | {"decision": "approve", "reason": "y"})
        html = page_at(http, again.headers["Location"]).text

    assert "You had said the same before." in html


def test_a_void_request_is_asked_again_with_one_button(server, asked):
    with server.person("ben") as http:
        _decide(http, asked)
    server.write_roles(PERSONS | {"Dora": {"accounts": ["dora"], "roles": ["data-engineer", "ml-engineer"]}})
    with server.person("ada") as http:
        page = f"/handrail/requests/{asked}"
        html = page_at(http, page).text
        assert "This request is void" in html
        answer = send_form(http, f"{page}/renewal", fields_of(html, "renewal"))
        renewed = page_at(http, answer.headers["Location"]).text

    assert "It is asked again." in renewed
    assert "Ben approved" in renewed


@pytest.mark.parametrize("name", ["<script>alert(1)<!--", 'a" onmouseover="x', "{{7*9973}}"])
def test_a_hostile_name_and_reason_are_text(server, name):
    made = server.make_version(name=f"{name} {server.new_name()}")
    with server.gate("ada") as gate:
        reason = f"<img src=x onerror=alert(1)> {name}"
        view = gate.open_request(model=made.name, version=1, alias="champion", reason=reason, evidence=PROMOTABLE)
    with server.person("cleo") as http:
        for path in ("/handrail/", f"/handrail/requests/{view['request_id']}", "/handrail/requests"):
            html = page_at(http, path).text
            assert "<script>" not in html
            assert "<img" not in html
            assert '" onmouseover="' not in html
            assert "69811" not in re.findall(r"<h1[^>]*>(.*?)</h1>", html, re.DOTALL)[0]


def test_a_moment_is_answered_with_who_allowed_it_and_on_what(server, made):
    made.promote()
    with server.person("cleo") as http:
        path = f"/handrail/timeline/{made.name}/champion"
        html = page_at(http, f"{path}?at=2099-01-01 10:00 UTC").text
        before = page_at(http, f"{path}?at=2001-01-01").text
        unread = page_at(http, f"{path}?at=last tuesday")

    assert f"is in the future. Now champion is {made.name} 1." in html
    assert "<b>Ben</b> (ben), <b>Cleo</b> (cleo)" in html
    assert "the gate had not moved champion" in before
    assert unread.status_code == 400
    assert "is not a moment" in unread.text


def test_what_an_account_may_not_read_in_mlflow_it_does_not_read_here(server, made, asked):
    body = {"username": "dora", "resource_type": "registered_model", "resource_id": made.name}
    body |= {"permission": "DENY"}
    granted = server.admin.post("/api/3.0/mlflow/users/permissions/grant", json=body)
    assert granted.status_code == 200, granted.text
    with server.person("dora") as http:
        answer = page_at(http, f"/handrail/requests/{asked}")
        inbox = page_at(http, "/handrail/").text
        listed = page_at(http, "/handrail/requests").text

    assert answer.status_code == 403
    assert asked not in inbox + listed


def test_unknown_pages_and_names_are_said_on_a_page(server):
    with server.person("cleo") as http:
        gone = page_at(http, "/handrail/requests/pr-00000000000000000000")
        as_json = http.get("/handrail/requests/pr-00000000000000000000", headers={"Accept": "application/json"})

    assert gone.status_code == 404
    assert "is called" in gone.text
    assert as_json.json()["status"] == 404


def test_a_file_beside_the_pages_is_kept_by_browsers_as_its_address_changes(server):
    with server.person("cleo") as http:
        address = re.search(r'href="([^"]*console\.css[^"]*)"', page_at(http, "/handrail/").text).group(1)
        answer = http.get(unescape(address))

    assert "immutable" in answer.headers["Cache-Control"]
    assert urlsplit(address).query.startswith("v=")


def test_rules_findings_and_log_are_pages(server, made):
    made.promote()
    with server.person("ben") as http:
        rules, findings, log = (page_at(http, f"/handrail/{name}").text for name in ("rules", "findings", "log"))
    refused = page_at(server.admin, "/handrail/log")

    assert "business-stakeholder" in rules
    assert "A finding that is open shuts the gate" in findings
    assert "the alias moved, the permit was signed" in log
    assert refused.status_code == 403


def test_a_finding_is_opened_and_closed_by_forms(server, made):
    made.promote()
    with server.person("ada") as http:
        fields = fields_of(page_at(http, "/handrail/findings").text, "findings/open")
        sent = fields | {"model": made.name, "version": "1", "severity": "high", "text": "late for <b>EWR</b>"}
        opened = send_form(http, "/handrail/findings/open", sent)
        finding_id = opened.headers["Location"].partition("#")[2]
    with server.person("ben") as http:
        html = page_at(http, "/handrail/findings").text
        closed = send_form(
            http,
            f"/handrail/findings/{finding_id}/close",
            fields_of(html, f"{finding_id}/close") | {"reason": "mended"},
        )
        after = http.get("/handrail/findings", headers={"Accept": "application/json"}).json()

    assert (opened.status_code, closed.status_code) == (303, 303)
    assert "late for &lt;b&gt;EWR&lt;/b&gt;" in html
    assert finding_id in {row["finding_id"] for row in after["closed"]}
