"""The inbox: one line of result for each request, who is missing, and what was decided lately."""

from datetime import UTC, datetime

import pytest

from handrail.approvals import Choice, Reviewing
from handrail.entrypoints.console.inbox import closed_row, inbox_page, list_page
from handrail.entrypoints.console.pages import Frame, render
from tests.fakes.approvals_world import World

FRAME = Frame(datetime(2026, 11, 28, 21, 55, tzinfo=UTC), "Cleo", ("business-stakeholder",), "local-1")


@pytest.fixture
def world():
    return World()


def _inbox(world, account):
    reviewing = Reviewing(world.rules)
    views = world.gate.requests()
    waiting = [
        (view, found, found.may_decide) for view in views if view.is_open and (found := reviewing.of(view, account))
    ]
    return inbox_page(waiting, [view for view in views if not view.is_open], (), reviewing.person(account))


def test_what_waits_for_a_person_says_its_result_and_who_is_missing(world):
    request_id = world.ask()
    world.say(request_id, "ben")

    page = _inbox(world, "cleo")
    (row,) = page.facts["mine"]

    assert page.title == "1 request waits for you"
    assert row["result"].startswith("All 4 rules met.")
    assert (row["approved"], row["missing"]) == (["Ben"], ["business-stakeholder (Cleo)"])
    assert request_id in render(page, FRAME)


def test_an_account_of_nobody_reads_that_nothing_waits_for_it(world):
    world.ask()

    page = _inbox(world, "handrail-admin")

    assert page.title == "Nothing waits for you"
    assert "belongs to nobody" in page.facts["lede"]
    assert len(page.facts["others"]) == 1


def test_closed_ones_say_who_decided_or_which_rule_did(world):
    world.promote(1)
    world.register(2)
    world.ask(version=2)

    page = _inbox(world, "cleo")
    promoted, refused = page.facts["closed"]

    assert (promoted["by"], promoted["why"]) == ("Ben and Cleo", "All 4 rules were met.")
    assert refused["by"] == "the policy, at once"


def test_a_question_waits_for_whoever_can_answer_it(world):
    request_id = world.ask()
    world.gate.decide(request_id, "cleo", Choice.ASK, "which <months>?")

    page = _inbox(world, "ada")
    (row,) = page.facts["asked"]
    html = render(page, FRAME)

    assert page.title == "1 question waits for you"
    assert (row["person"], row["question"], page.facts["others"]) == ("Cleo", "which <months>?", [])
    assert "Cleo asks you: <q>which &lt;months&gt;?</q>" in html
    assert f"{request_id}#q1" in html
    assert _inbox(world, "ben").facts["asked"] == []


def test_a_role_that_no_policy_asks_reads_what_stands_here(world):
    page = inbox_page([], [], (), Reviewing(world.rules).person("ada"), deciding=frozenset({"ml-engineer"}))

    assert page.facts["lede"].startswith("No policy asks your role,")
    assert "the question stands here" in render(page, FRAME)


def test_a_rejection_names_who_rejected_and_who_had_approved_and_reaches_whose_it_is(world):
    request_id = world.ask()
    world.say(request_id, "ben")
    world.gate.decide(request_id, "cleo", Choice.REJECT, "too many false alarms")
    view = world.gate.request(request_id)

    page = inbox_page([], [view], (), Reviewing(world.rules).person("ada"), yours=[view])
    html = render(page, FRAME)

    assert closed_row(view)["by"] == "Cleo rejected; Ben had approved"
    assert "too many false alarms" in html[html.index('id="yours"') : html.index('id="closed"')]


def test_the_list_of_all_leads_on_to_earlier_ones(world):
    world.ask()

    html = render(list_page(world.gate.requests(), "7", {"alias": "champion", "before": "9"}), FRAME)

    assert "/handrail/requests?alias=champion&amp;before=7" in html


def test_nothing_asked_yet_says_how_something_comes_here(world):
    html = render(_inbox(world, "cleo"), FRAME)

    assert "handrail approvals request" in html
    assert "Nothing was asked yet." in html
