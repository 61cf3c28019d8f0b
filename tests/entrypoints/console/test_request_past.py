"""The page of a request as of an earlier moment: a banner, what a decision was about, and nothing to decide with."""

from datetime import UTC, datetime

import pytest

from handrail.approvals import JUST_BEFORE, Choice, Past
from handrail.entrypoints.console.moments import read_past
from handrail.entrypoints.console.pages import Frame, render
from handrail.entrypoints.console.request_page import request_page
from handrail.entrypoints.console.request_shown import Shown
from handrail.errors import InvalidInput
from tests.fakes.approvals_world import World

NOW = datetime(2026, 11, 28, 21, 55, tzinfo=UTC)
FRAME = Frame(NOW, "Cleo", ("business-stakeholder",), "local-1")


@pytest.fixture
def world():
    return World()


def _then(world, request_id, moment, account="cleo"):
    past = Past(world.ledger, world.ledger, world.findings, lambda _moment: world.rules).request(request_id, moment)
    evidence = world.gate.records.evidence(request_id)
    reviewers = past.reviewing.of(past.view, account)
    names = past.reviewing.names()
    return request_page(Shown(past.view, reviewers, evidence, moment, named=names, past=past))


def _decide(world, request_id, account, *, looked=True):
    seen = world.gate.request(request_id).seen if looked else None
    world.gate.decide(request_id, account, Choice.APPROVE, "looked at it", seen=seen)
    return world.ledger.load(request_id).said[-1]


def test_a_banner_says_that_it_is_the_past_and_there_is_no_form(world):
    request_id = world.ask()
    moment = world.clock()
    _decide(world, request_id, "ben")
    _decide(world, request_id, "cleo")

    page = _then(world, request_id, moment)
    html = render(page, FRAME)

    assert page.facts["state"]["text"] == "Open: 0 of 2 approvals"
    assert (page.extra["form"], page.extra["why_not"], page.extra["renewal"]) == (None, None, None)
    assert "This is the past" in html
    assert "Nothing can be decided here" in html
    assert f'href="/handrail/requests/{request_id}">the request as it is now</a>' in html
    assert "<form" not in html
    assert page.facts["as_of"] == moment.isoformat()


def test_who_decided_about_exactly_these_facts_is_named(world):
    request_id = world.ask()
    said = _decide(world, request_id, "ben")

    (sentence,) = _then(world, request_id, said.at - JUST_BEFORE).facts["past"]["sentences"]

    assert sentence.startswith("Ben (ben) approved exactly these facts, 1 Jan 2026, ")


def test_a_decision_without_a_digest_proves_nothing_and_says_so(world):
    request_id = world.ask()
    said = _decide(world, request_id, "ben", looked=False)

    past = _then(world, request_id, said.at - JUST_BEFORE).facts["past"]

    assert past["kind"] == "info"
    assert "sent no digest of what was shown" in past["sentences"][0]


def test_facts_that_are_not_those_of_the_decision_are_not_passed_off_as_them(world):
    request_id = world.ask()
    said = _decide(world, request_id, "ben")
    world.change_rules(rules=world.rules.policies["champion"].rules[:1])

    past = _then(world, request_id, said.at - JUST_BEFORE).facts["past"]

    assert past["kind"] == "bad"
    assert said.seen in past["sentences"][0]
    assert "Do not take these for what was shown" in past["sentences"][0]


def test_history_leads_from_each_decision_to_what_was_shown(world):
    request_id = world.ask()
    said = _decide(world, request_id, "ben")

    page = _then(world, request_id, world.clock())
    html = render(page, FRAME)

    moments = [each["shown_at"] for each in page.facts["history"] if each["shown_at"]]
    assert moments == [(said.at - JUST_BEFORE).isoformat()]
    assert html.count("as it was shown then") == 1
    assert read_past(moments[0], "as_of", NOW) == said.at - JUST_BEFORE


@pytest.mark.parametrize(
    "text", ["last tuesday", "2026-02-30", "2027-01-01", "2026-11-28 21:56", "9999-12-31 23:59 -12"]
)
def test_no_moment_and_no_moment_of_the_future_is_said_with_what_to_ask_for(text):
    with pytest.raises(InvalidInput, match=r"is not a moment|is not there yet") as raised:
        read_past(text, "as_of", NOW)

    assert raised.value.field == "as_of"


def test_now_itself_is_no_future():
    assert read_past("2026-11-28 21:55", "as_of", NOW) == NOW
