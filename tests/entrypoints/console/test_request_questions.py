"""Questions about a request on its page: what waits for an answer, what an approval does meanwhile, and the answer."""

from datetime import UTC, datetime

import pytest

from handrail.approvals import Choice, Reviewing
from handrail.entrypoints.console.pages import Frame, render
from handrail.entrypoints.console.request_page import request_page
from handrail.entrypoints.console.request_shown import Shown
from tests.fakes.approvals_world import World

NOW = datetime(2026, 11, 28, 21, 55, tzinfo=UTC)
FRAME = Frame(NOW, "Cleo", ("business-stakeholder",), "local-1")


@pytest.fixture
def world():
    return World()


def _page(world, request_id, account="cleo"):
    view = world.gate.request(request_id)
    reviewers = Reviewing(world.rules).of(view, account)
    return request_page(Shown(view, reviewers, {}, NOW, tokens={"decision": "123.abc"}))


def _means(page):
    return {each["value"]: each["means"] for each in page.extra["form"]["choices"]}


def test_while_a_question_waits_no_approval_promises_to_move_anything(world):
    request_id = world.ask()
    world.say(request_id, "ben")
    assert _means(_page(world, request_id))["approve"].startswith("The alias moves at once.")
    world.gate.decide(request_id, "ben", Choice.ASK, "which months?")

    cleo, ben = _page(world, request_id), _page(world, request_id, "ben")
    html = render(cleo, FRAME)

    assert cleo.facts["state"]["text"] == "Open: waits for ada to answer Ben"
    assert _means(cleo)["approve"] == "Counts once ada has answered Ben. Nothing moves now."
    assert "Yours is the last approval needed." not in html
    assert html.index("which months?") < html.index('id="decide"')
    assert _means(ben)["approve"].startswith("Your question ends without an answer. Recorded. 1 more approval")


def test_an_answer_stands_below_its_question_and_is_news_to_who_asked_until_they_decide(world):
    request_id = world.ask()
    world.gate.decide(request_id, "cleo", Choice.ASK, "which months?")
    world.gate.questions.answer(request_id, "ada", "January to June")

    cleo, ben = _page(world, request_id), _page(world, request_id, "ben")
    html = render(cleo, FRAME)

    assert cleo.facts["alerts"][0]["title"] == "Your question is answered. The request waits for your decision."
    assert all("Your question" not in each["title"] for each in ben.facts["alerts"])
    assert html.index("which months?") < html.index("<b>Ada</b> answered") < html.index('id="decide"')

    world.say(request_id, "cleo")
    later = _page(world, request_id)

    assert all("Your question" not in each["title"] for each in later.facts["alerts"])
    assert (later.facts["questions"][0]["answer"], later.facts["questions"][0]["fresh"]) == ("January to June", False)
