"""What the form of a request says about itself, and who stands behind the accounts that the page names."""

from datetime import UTC, datetime

from handrail.approvals import Reviewing
from handrail.entrypoints.console.pages import Frame, render
from handrail.entrypoints.console.request_page import request_page
from handrail.entrypoints.console.request_shown import Shown
from tests.fakes.approvals_emergency import break_glass, emergency_world
from tests.fakes.approvals_world import World

NOW = datetime(2026, 11, 28, 21, 55, tzinfo=UTC)
FRAME = Frame(NOW, "Cleo", ("business-stakeholder",), "local-1")


def _page(world, request_id, account="cleo"):
    view, reviewing = world.gate.request(request_id), Reviewing(world.rules)
    tokens = {"decision": "123.abc"}
    return request_page(Shown(view, reviewing.of(view, account), {}, NOW, tokens=tokens, named=reviewing.names()))


def test_a_confirmation_says_what_it_ends_and_moves_nothing():
    world = emergency_world()
    _, confirmation = break_glass(world)
    request_id = confirmation.history.request.request_id

    first = {each["value"]: each["means"] for each in _page(world, request_id, "ben").extra["form"]["choices"]}
    world.say(request_id, "ben")
    page = _page(world, request_id)
    last = {each["value"]: each["means"] for each in page.extra["form"]["choices"]}

    assert first["approve"] == "Recorded. 1 more approval is needed before the emergency ends."
    assert last["approve"] == "flights 2 gets an ordinary permit, and the emergency ends."
    assert "Nobody can confirm it any more" in last["reject"]
    assert page.facts["bound"]["now"] == "flights 2"


def test_the_person_behind_an_account_is_named_everywhere_on_the_page():
    world = World()
    request_id = world.ask()
    world.say(request_id, "ben")

    page = _page(world, request_id)
    html = render(page, FRAME)

    assert page.facts["asked"] == page.facts["asked"] | {"by": "Ada (ada)", "account": "ada"}
    assert {rule["by"] for rule in page.facts["rules"]} == {"Ada (ada)"}
    assert "A question to Ada (ada)." in html
    assert "Request opened by Ada (ada); made by Ada (ada)." in html
    assert "Ben (ben) approved:" in html
