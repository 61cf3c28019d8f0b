"""The page of an alias: a moment in any form, and every move with who allowed it."""

from datetime import UTC, datetime, timedelta
from html import unescape

from handrail.entrypoints.console.moments import read_span
from handrail.entrypoints.console.pages import Frame, render
from handrail.entrypoints.console.timeline import Asked, names_page, timeline_page
from tests.fakes.approvals_world import World

FRAME = Frame(datetime(2026, 11, 28, 21, 55, tzinfo=UTC), "Cleo", ("business-stakeholder",), "local-1")


def _moves(world):
    moves = world.gate.records.moves("flights", "champion")
    views = world.gate.records.views([tenure.history for tenure in moves])
    return [(tenure.to_json(), view) for tenure, view in zip(moves, views, strict=True)]


def test_the_answer_names_persons_evidence_and_request():
    world = World()
    request_id = world.promote(1)

    page = timeline_page("flights", "champion", _moves(world), Asked("2099-01-01", 0))
    html = render(page, FRAME)

    assert page.facts["answer"]["request_id"] == request_id
    assert page.facts["answer"]["who"] == "Ben (ben) and Cleo (cleo)"
    assert page.facts["answer"]["on"].startswith("4 of 4 rules met")
    assert "champion was flights 1." in html
    assert '<svg class="fig"' in html


def test_before_the_first_move_it_says_so_and_without_moves_nothing_is_drawn():
    world = World()
    assert "had not moved champion" in render(timeline_page("flights", "champion", [], Asked("2001-01-01")), FRAME)
    world.promote(1)
    assert "It moved it first" in render(
        timeline_page("flights", "champion", _moves(world), Asked("2001-01-01")), FRAME
    )


def test_no_name_becomes_a_command_of_whoever_copies_one():
    world = World()
    world.promote(1)

    html = render(timeline_page("a; reboot", "champion", _moves(world), Asked("2099-01-01", 0)), FRAME)

    assert "--model 'a; reboot' --alias champion" in unescape(html)


def test_the_list_of_aliases_leads_to_each():
    html = render(names_page([("my model", "champion", 3)]), FRAME)

    assert "/handrail/timeline/my%20model/champion" in html
    assert "The gate has moved no alias yet." in render(names_page([]), FRAME)


def _asked(text, moves, now, answer=None):
    return timeline_page("flights", "champion", moves, Asked(text, answer, read_span(text, "at", now), now))


def test_a_month_is_answered_with_every_move_in_it_up_to_now():
    world = World()
    world.register(2)
    ids = [world.promote(1), world.promote(2)]
    moves = _moves(world)
    now = datetime.fromisoformat(moves[-1][0]["since"]) + timedelta(hours=1)

    page = _asked(f"{now:%B %Y}", moves, now, 1)
    before = _asked(f"{now.year - 1}", moves, now)

    assert [row["request_id"] for row in page.facts["during"]] == ids[::-1]
    assert page.facts["read_as"] == now.isoformat()
    assert "which is now, latest first" in render(page, FRAME)
    assert before.facts["during"] == []
    assert "by event time" in render(before, FRAME)


def test_a_moment_in_the_future_is_not_answered_as_a_fact():
    world = World()
    world.promote(1)
    moves = _moves(world)
    now = datetime.fromisoformat(moves[-1][0]["since"]) + timedelta(hours=1)

    page = _asked(f"{now.year + 1}-01-01", moves, now, 0)
    html = render(page, FRAME)

    assert (page.facts["future"], page.facts["read_as"]) == (True, now.isoformat())
    assert f"“{now.year + 1}-01-01” is in the future. Now champion is flights 1." in html
    assert "champion was flights 1" not in html
