"""A request that has ended, on its page: what came of it, what it lacks no more, and where its page leads on."""

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


def test_after_the_decision_the_title_says_what_came_of_it_and_leads_on(world):
    world.promote(1)
    promoted = _page(world, world.gate.records.aliases()[0].request_id)
    world.register(2)
    refused = _page(world, world.ask(version=2))

    assert promoted.title == "flights 1 became champion"
    assert refused.title == "The policy refused flights 2 as champion"
    assert "/handrail/timeline/flights/champion#urgent" in render(promoted, FRAME)


def test_a_rejection_is_in_the_title_and_the_question_is_kept_beside_it(world):
    request_id = world.ask()
    asked = _page(world, request_id)
    world.gate.decide(request_id, "cleo", Choice.REJECT, "not now")

    page = _page(world, request_id)

    assert asked.title == page.facts["question"] == "Should flights 1 become champion?"
    assert page.title == "flights 1 was rejected as champion"


def test_what_a_closed_request_lacked_is_not_asked_of_anybody(world):
    request_id = world.ask()
    world.gate.decide(request_id, "ben", Choice.REJECT, "not now")

    html = render(_page(world, request_id), FRAME)

    assert "Not needed any more: rejected." in html
    assert "Could be given by" not in html
