"""The console in a real browser, under attack: what people wrote runs nothing, and other pages send nothing."""

import pytest
from playwright.sync_api import expect

from tests.fakes.mlflow_server import EVIDENCE, password

pytestmark = pytest.mark.any_version

PROMOTABLE = EVIDENCE | {"comparison": {"ci_low": 0.0}}
HOSTILE = "</title><script>alert(1)</script><img src=http://evil.example/x onerror=alert(2)>"
OTHER = "http://evil.example/"


@pytest.fixture
def asked(made):
    return made.ask(evidence=PROMOTABLE)["request_id"]


def _votes(server, request_id):
    with server.person("cleo") as http:
        facts = http.get(f"/handrail/requests/{request_id}", headers={"Accept": "application/json"}).json()
    return [each for step in facts["votes"]["steps"] for place in step for each in place["given"]]


def test_what_a_person_wrote_runs_nothing_and_fetches_nothing(visit, server):
    files = {"MLmodel": b"flavors: sklearn\n", "<img src=x onerror=alert(3)>.onnx": b"onnx"}
    made = server.make_version(name=f"<script>alert(4)<!-- {server.new_name()}", files=files)
    with server.person("ada") as http:
        tag = {"name": made.name, "version": "1", "key": HOSTILE[:90], "value": HOSTILE}
        http.post("/api/2.0/mlflow/model-versions/set-tag", json=tag)
    with server.gate("ada") as gate:
        what = {"model": made.name, "version": 1, "alias": "champion", "reason": HOSTILE}
        request_id = gate.open_request(**what, evidence=PROMOTABLE)["request_id"]
    with server.person("ada") as http:
        finding = {"model": made.name, "text": HOSTILE, "severity": "low"}
        assert http.post("/handrail/api/v1/findings", json=finding).status_code == 201
    visitor = visit("cleo")

    for path in ("", f"requests/{request_id}", "requests", "findings", "log", f"trace?q={HOSTILE}"):
        page = visitor.see(f"/handrail/{path}")
        assert page.locator("main script, main img").count() == 0, path
    # The visitor's own fixture holds that no dialog opened and nothing was asked of another server.


def test_no_other_page_shows_it_in_a_frame(visit, asked, server):
    visitor = visit("ben")
    visitor.pretend(OTHER, f"<iframe src='{server.url}/handrail/requests/{asked}'></iframe>")

    visitor.page.goto(OTHER)

    assert visitor.page.frames[-1].url == "chrome-error://chromewebdata/"
    visitor.complaints = [each for each in visitor.complaints if "frame-ancestors" not in each]


def test_no_other_page_sends_a_decision_for_a_person(visit, asked, server):
    visitor = visit("ben", f"/handrail/requests/{asked}")
    form = visitor.page.locator("form.decide")
    hidden = form.locator("input[type=hidden]").evaluate_all("all => all.map(each => each.outerHTML).join('')")
    fields = f"{hidden}<input name=decision value=approve><input name=reason value=x><button>Win</button>"
    address = f"{server.url}/handrail/requests/{asked}/decision"
    visitor.pretend(OTHER, f"<form method=post action='{address}'>{fields}</form>")
    visitor.page.goto(OTHER)

    with visitor.page.expect_response(address) as answer:
        visitor.page.get_by_role("button").click()

    assert answer.value.status == 403
    assert _votes(server, asked) == []


def test_a_form_of_another_persons_session_records_nothing(visit, asked, server):
    ben = visit("ben", f"/handrail/requests/{asked}").page
    cleo = visit("cleo", f"/handrail/requests/{asked}").page
    token = ben.locator("form.decide input[name=token]").get_attribute("value")
    cleo.locator("form.decide input[name=token]").evaluate("(each, token) => { each.value = token }", token)

    cleo.get_by_role("radio", name="Approve").check()
    cleo.get_by_label("Reason, or question").fill("not mine")
    cleo.get_by_role("button", name="Record my decision").click()

    expect(cleo.locator("#problem")).to_contain_text("Nothing was recorded")
    assert _votes(server, asked) == []


def test_a_login_that_ends_before_the_form_is_sent_records_nothing(visit, asked, server):
    page = visit("ben", f"/handrail/requests/{asked}").page
    page.get_by_role("radio", name="Approve").check()
    page.get_by_label("Reason, or question").fill("too late")
    change = "/api/2.0/mlflow/users/update-password"
    try:
        assert server.admin.patch(change, json={"username": "ben", "password": "another-" * 3}).status_code == 200
        with page.expect_response(lambda answer: answer.url.endswith("/decision")) as answer:
            page.get_by_role("button", name="Record my decision").click(no_wait_after=True)
    finally:
        assert server.admin.patch(change, json={"username": "ben", "password": password("ben")}).status_code == 200

    assert answer.value.status == 401
    assert _votes(server, asked) == []
