"""What no link, form or author may do to the pages of a real server: say what is not true, or keep people out."""

import re
from html import unescape

import pytest

from tests.fakes.mlflow_server import EVIDENCE

pytestmark = pytest.mark.any_version


def _page(http, path):
    return http.get(path, headers={"Accept": "text/html"})


def _decide(http, request_id, decision, accept="text/html"):
    path = f"/handrail/requests/{request_id}"
    form = re.search(r'<form[^>]*action="[^"]*/decision"[^>]*>(.*?)</form>', _page(http, path).text, re.DOTALL)
    hidden = re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', form.group(1))
    fields = {name: unescape(value) for name, value in hidden} | {"decision": decision, "reason": "which months?"}
    origin = f"{http.base_url.scheme}://{http.base_url.netloc.decode()}"
    return http.post(f"{path}/decision", data=fields, headers={"Origin": origin, "Accept": accept})


@pytest.fixture
def asked(made):
    return made.ask(evidence=EVIDENCE | {"comparison": {"ci_low": 0.0}})["request_id"]


@pytest.mark.parametrize("said", ["approve", "reject", "ask", "same"])
def test_no_link_makes_a_page_say_that_somebody_decided_who_did_not(server, asked, said):
    with server.person("cleo") as http:
        html = _page(http, f"/handrail/requests/{asked}?said={said}").text
    with server.person("ben") as http:
        _decide(http, asked, "ask")
        other = _page(http, f"/handrail/requests/{asked}?said=approve").text

    assert 'role="status"' not in html
    assert "Your approval is recorded." not in other


def test_who_sends_a_form_and_asks_for_facts_reads_why_it_was_not_recorded(server, asked):
    with server.person("ben") as http:
        answer = _decide(http, asked, "maybe", "application/json")

    assert answer.status_code == 422
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json()["detail"].startswith("decision: 'maybe' is not a decision")


@pytest.mark.parametrize(
    "path", ["timeline/%00/champion", "requests/pr-%00", "requests?alias=%00", "trace?q=%00", "rules/%00"]
)
def test_what_no_database_can_look_for_is_refused_with_a_sentence(server, path):
    with server.person("cleo") as http:
        answer = _page(http, f"/handrail/{path}")

    assert answer.status_code == 400
    assert "holds U+0000" in answer.text


def test_evidence_that_nobody_can_draw_keeps_nobody_from_the_inbox(server, made):
    deep = {"end": 1}
    for _ in range(200):
        deep = {"a": deep}
    evidence = EVIDENCE | {"evaluation": {"roc_auc": 10**400}, "deep": deep}
    request_id = made.ask(evidence=evidence)["request_id"]

    with server.person("cleo") as http:
        answers = [_page(http, f"/handrail/{path}") for path in ("", "requests", f"requests/{request_id}")]

    assert [answer.status_code for answer in answers] == [200] * 3
