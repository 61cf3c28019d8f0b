"""The console in a real browser: what people do there with clicks, with keys alone, and without script."""

import pytest
from playwright.sync_api import expect

from tests.fakes.browser import violations
from tests.fakes.mlflow_server import EVIDENCE, PERSONS

pytestmark = pytest.mark.any_version

PROMOTABLE = EVIDENCE | {"comparison": {"ci_low": 0.0}}


@pytest.fixture
def asked(made):
    return made.ask(evidence=PROMOTABLE)["request_id"]


def _request(request_id):
    return f"/handrail/requests/{request_id}"


def _send(page, choice, reason, button="Record my decision"):
    page.get_by_role("radio", name=choice).check()
    page.get_by_label("Reason, or question").fill(reason)
    page.get_by_role("button", name=button).click()


def _facts(server, request_id):
    with server.person("cleo") as http:
        return http.get(_request(request_id), headers={"Accept": "application/json"}).json()


def _given(server, request_id):
    return [each for step in _facts(server, request_id)["votes"]["steps"] for place in step for each in place["given"]]


def test_the_second_person_approves_by_clicks_alone_and_the_alias_moves(visit, made, asked):
    made.say(asked, "ben")
    page = visit("cleo").page

    waiting = page.get_by_role("region", name="Waiting for you")
    waiting.get_by_role("link", name=f"{made.name} 1").first.click()
    _send(page, "Approve", "it fits what staff need")

    expect(page.get_by_role("status")).to_contain_text(f"{made.name} 1 is champion now.")
    expect(page.get_by_text("it fits what staff need").first).to_be_visible()
    assert made.champion() == "1"


@pytest.mark.parametrize(("width", "height"), [(1280, 800), (1366, 650), (1280, 400)])
def test_the_button_stays_within_reach_from_the_top_of_the_page_to_its_end(visit, asked, width, height):
    page = visit("ben", _request(asked), viewport={"width": width, "height": height}).page
    button = page.get_by_role("button", name="Record my decision")

    page.evaluate("window.scrollTo({ top: 9999, behavior: 'instant' })")
    button.focus()

    expect(button).to_be_in_viewport(ratio=1)
    assert page.evaluate("scrollY") > 300
    page.get_by_role("radio", name="Ask").check()
    expect(page.get_by_role("button", name="Send my question")).to_be_visible()


def test_the_author_reads_everything_and_finds_no_form(visit, asked):
    page = visit("ada", _request(asked)).page

    expect(page.get_by_role("heading", name="You can read this, but not decide.")).to_be_visible()
    assert page.get_by_role("main").get_by_role("button").count() == 0


def test_a_question_is_asked_by_one_person_and_answered_by_the_other(visit, asked):
    cleo = visit("cleo", _request(asked)).page
    _send(cleo, "Ask", "which months?", "Send my question")
    expect(cleo.get_by_role("status")).to_contain_text("Your question is recorded.")
    assert violations(cleo) == []

    ada = visit("ada", _request(asked)).page
    ada.get_by_label("Your answer").fill("January to June")
    assert violations(ada) == []
    ada.get_by_role("button", name="Send my answer").click()

    expect(ada.get_by_role("status")).to_contain_text("The answer is recorded.")
    cleo.reload()
    expect(cleo.get_by_role("region", name="Cleo asked")).to_contain_text("January to June")
    expect(cleo.get_by_text("Your question is answered.")).to_be_visible()


def test_what_changed_while_somebody_read_is_shown_and_their_text_is_there_still(visit, server, made, asked):
    page = visit("ben", _request(asked)).page
    made.say(asked, "cleo", "ask")

    _send(page, "Approve", "fine & <good>")

    expect(page.locator("#problem")).to_contain_text("the request changed after you opened it")
    expect(page.get_by_label("Reason, or question")).to_have_value("fine & <good>")
    expect(page.get_by_role("radio", name="Approve")).to_be_checked()
    assert violations(page) == []
    assert _given(server, asked) == []

    page.get_by_role("button", name="Record my decision").click()
    expect(page.get_by_role("status")).to_contain_text("Your approval is recorded.")


def test_a_void_request_is_asked_again_and_shows_only_what_changed(visit, server, made, asked):
    made.say(asked, "ben")
    server.write_roles(PERSONS | {"Dora": {"accounts": ["dora"], "roles": ["data-engineer", "ml-engineer"]}})
    page = visit("ada", _request(asked)).page
    assert violations(page) == []

    page.get_by_role("button", name="Ask again, showing only the difference").click()

    expect(page.get_by_role("status")).to_contain_text("It is asked again.")
    expect(page.get_by_role("heading", name="What changed since earlier approvals")).to_be_visible()
    assert asked not in page.url
    assert violations(page) == []


def test_the_timeline_answers_who_allowed_it_in_three_clicks(visit, made):
    made.promote()
    page = visit("cleo").page

    page.get_by_role("navigation", name="Main").get_by_role("link", name="Timeline").click()
    page.get_by_role("link", name=f"champion of {made.name}", exact=True).click()
    page.get_by_label("What was in production then?").fill("2099-01-01 10:00 UTC")
    page.get_by_role("button", name="Answer").click()

    answer = page.get_by_role("status")
    expect(answer).to_contain_text(f"Now champion is {made.name} 1.")
    expect(answer).to_contain_text("Ben (ben), Cleo (cleo)")
    answer.get_by_role("link").first.click()
    expect(page.get_by_role("heading", name="Who decides")).to_be_visible()


def test_a_finding_is_opened_and_closed_by_forms(visit, made):
    made.promote()
    page = visit("ada", "/handrail/findings").page
    page.get_by_label("Model").select_option(made.name)
    page.get_by_label("Version").fill("1")
    page.get_by_label("What was found").fill(f"late for {made.name} <b>EWR</b>")
    page.get_by_role("button", name="Open it").click()
    expect(page.get_by_role("heading", name=f"late for {made.name} <b>EWR</b>")).to_be_visible()

    ben = visit("ben", "/handrail/findings").page
    article = ben.get_by_role("article").filter(has_text=f"late for {made.name}")
    article.get_by_text("Close it").click()
    article.get_by_label("Why may the gate open again?").fill("mended")
    article.get_by_role("button", name="Close the finding").click()

    expect(ben.get_by_role("article").filter(has_text=f"late for {made.name}")).to_contain_text("mended")


def test_keys_alone_lead_from_the_inbox_to_a_recorded_decision(visit, made, server, asked):
    page = visit("ben").page
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    _tab_to(page, page.get_by_role("region", name="Waiting for you").get_by_role("link", name=f"{made.name} 1"))
    page.keyboard.press("Enter")
    page.wait_for_url(f"**{_request(asked)}")

    _tab_to(page, page.get_by_role("radio", name="Approve"))
    page.keyboard.press("Space")
    _tab_to(page, page.get_by_label("Reason, or question"))
    page.keyboard.type("j and k are letters here")
    _tab_to(page, page.get_by_role("button", name="Record my decision"))
    page.keyboard.press("Enter")

    expect(page.get_by_role("status")).to_contain_text("Your approval is recorded.")
    assert [each["reason"] for each in _given(server, asked)] == ["j and k are letters here"]


def test_single_keys_are_listed_move_between_rows_and_can_be_switched_off(visit, asked):
    page = visit("ben").page
    page.keyboard.press("?")
    expect(page.get_by_text("next row, row before")).to_be_visible()
    assert violations(page) == []

    page.keyboard.press("j")
    first = page.locator(".rows a").first
    expect(first).to_be_focused()
    page.get_by_role("button", name="Switch these keys off").click()
    page.reload()
    page.keyboard.press("?")

    expect(page.get_by_text("next row, row before")).to_be_hidden()


def test_g_and_a_key_lead_to_the_page_of_that_name(visit, asked):
    page = visit("ben").page

    for key, path in (("t", "timeline"), ("d", "deployments"), ("l", "log"), ("i", "")):
        page.keyboard.press("g")
        page.keyboard.press(key)
        page.wait_for_url(f"**/handrail/{path}")


def _tab_to(page, wanted):
    for _ in range(80):
        page.keyboard.press("Tab")
        if wanted.first.evaluate("each => each === document.activeElement"):
            return
    raise AssertionError("Tab does not lead there.")


def test_without_script_a_person_reads_and_decides(visit, asked):
    page = visit("ben", java_script_enabled=False).page
    page.goto(page.url + f"requests/{asked}")

    _send(page, "Reject", "not now")

    expect(page.get_by_role("status")).to_contain_text("Your rejection is recorded.")
