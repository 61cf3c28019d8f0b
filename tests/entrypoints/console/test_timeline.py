"""The page of an alias: a moment in any form, and every move with who allowed it."""

from datetime import UTC, datetime
from html import unescape

import pytest

from handrail.entrypoints.console.pages import Frame, render
from handrail.entrypoints.console.timeline import Asked, names_page, read_moment, timeline_page
from handrail.errors import InvalidInput
from tests.fakes.approvals_world import World

FRAME = Frame(datetime(2026, 11, 28, 21, 55, tzinfo=UTC), "Cleo", ("business-stakeholder",), "local-1")
BEYOND = ("0001-01-01T00:00+14:00", "9999-12-31 23:59 -12:00", "2026-11-28\0")
AT = datetime(2026, 11, 28, 21, 54, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-28 21:54",
        "2026-11-28T21:54:00Z",
        "2026-11-28 21:54 UTC",
        "2026-11-28T23:54+02:00",
        "2026-11-28 23:54 +02:00",
    ],
)
def test_a_moment_is_read_in_any_iso_form_and_in_utc_without_a_zone(text):
    assert read_moment(text) == AT


def test_a_day_alone_means_its_end():
    assert read_moment("2026-11-28") == datetime(2026, 11, 28, 23, 59, 59, tzinfo=UTC)


@pytest.mark.parametrize("text", ["last tuesday", "2026-13-01", "28.11.2026", "<script>", "2026-11-28 25:00", *BEYOND])
def test_what_is_no_moment_is_said_with_how_to_write_one(text):
    with pytest.raises(InvalidInput, match="is not a moment"):
        read_moment(text)


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
