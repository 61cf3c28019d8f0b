"""The gate in numbers: true, counted once, and read seldom."""

from datetime import timedelta

import pytest

from handrail.approvals.domain.errors import Closed
from handrail.approvals.domain.events import Choice
from handrail.approvals.domain.findings import Severity
from handrail.approvals.service.findings import Report
from handrail.approvals.service.gate_figures import AT_ONCE, BOUNDS_S, CACHED, GateFigures
from tests.fakes.approvals_world import World, opening
from tests.unit.approvals.test_rule_changes import STRICTER, Place

HOUR = timedelta(hours=1)


@pytest.fixture
def world():
    return World()


@pytest.fixture
def place():
    place = Place()
    place.rules.start()
    return place


@pytest.fixture
def look(world, place):
    """Figures as they are once what is cached is too old."""
    figures = GateFigures(world.gate, world.ledger, place.rules, world.clock)

    def now():
        world.clock.now += CACHED
        return figures.now()

    return now


def test_nothing_is_known_of_an_empty_gate(look):
    figures = look()

    assert (figures.open_requests, figures.oldest_opened, figures.moves) == ({}, None, {})
    assert sum(figures.decisions) == figures.rule_changes == 0


def test_an_open_request_is_counted_by_alias_and_verdict_and_makes_the_age(world, look):
    request_id = world.ask()

    figures = look()

    assert figures.open_requests == {("champion", "pending"): 1}
    assert figures.oldest_opened == world.ledger.load(request_id).request.opened_at


def test_a_promotion_is_counted_once_however_often_somebody_looks(world, look):
    world.promote()
    look()
    world.register(2)
    world.promote(2)

    for _ in range(3):
        figures = look()

    assert figures.moves == {("champion", "promotion"): 2}
    assert sum(figures.decisions) == 2
    assert figures.open_requests == {}


def test_what_was_open_when_seen_first_is_counted_when_it_ends(world, look):
    request_id = world.ask()
    assert sum(look().decisions) == 0
    world.clock.now += 2 * HOUR
    world.say(request_id, "ben", Choice.REJECT)

    figures = look()
    again = look()

    assert figures.decisions == again.decisions
    assert figures.decisions[BOUNDS_S.index(4 * 3600.0)] == 1
    assert 2 * 3600 < figures.decided_s < 2.1 * 3600


def test_the_time_in_which_a_question_was_open_is_left_out(world, look):
    request_id = world.ask()
    world.say(request_id, "ben", Choice.ASK)
    world.clock.now += 100 * HOUR
    world.gate.questions.answer(request_id, "ada", "none", 1)
    world.say(request_id, "ben")
    world.say(request_id, "cleo")

    figures = look()

    assert figures.moves == {("champion", "promotion"): 1}
    assert figures.decided_s < 60


def test_a_request_that_became_void_is_no_decision(world, look):
    request_id = world.ask()
    look()
    world.change_rules(request_days=1)
    with pytest.raises(Closed, match="void"):
        world.say(request_id, "ben")

    figures = look()

    assert sum(figures.decisions) == 0
    assert figures.open_requests == {}


def test_more_than_a_page_is_counted_whole_and_once(world, look):
    for number in range(2 * AT_ONCE + 3):
        world.gate.open_request(opening(evidence={"evaluation": {"n": number}}), "ada")
        if number % 40 == 0:
            look()
    rejected = world.ask()
    world.say(rejected, "ben", Choice.REJECT)

    for _ in range(2):
        figures = look()

    assert sum(figures.decisions) == 1


def test_findings_and_changes_of_rules_that_wait_are_counted(world, place, look):
    world.gate.findings.open(Report("flights", "drift", Severity.HIGH), "ben")
    place.propose(champion=STRICTER)

    figures = look()

    assert figures.findings == {"high": 1}
    assert figures.rule_changes == 1


def test_within_some_seconds_nothing_is_read_again(world, place):
    figures = GateFigures(world.gate, world.ledger, place.rules, lambda: world.clock.now)
    first = figures.now()
    world.promote()
    world.clock.now = first.at + timedelta(seconds=14)
    assert figures.now() is first
    world.clock.now = first.at - timedelta(hours=48)
    assert figures.now() is not first, "a clock that went back does not keep old figures"
