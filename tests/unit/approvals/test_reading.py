"""Requests and moves of versions whose files take long to read."""

import pytest

from handrail.approvals.domain.errors import StillReading
from handrail.approvals.domain.events import MoveIntended
from handrail.approvals.domain.judging import Verdict
from tests.fakes.approvals import EVIDENCE
from tests.fakes.approvals_world import World


@pytest.fixture
def world():
    return World()


def test_a_large_version_is_asked_for_again_until_it_is_copied(world):
    world.readings.is_slow = True
    for _ in range(2):
        with pytest.raises(StillReading, match="Repeat the same call in 1 s"):
            world.ask()
    assert not world.ledger.stored

    world.readings.is_slow = False
    assert world.ledger.load(world.ask())


def test_a_decision_is_stored_while_a_large_version_is_compared(world):
    request_id = world.ask()
    world.say(request_id, "ben")
    world.readings.is_slow = True
    for _ in range(2):
        with pytest.raises(StillReading):
            world.say(request_id, "cleo")
    assert isinstance(world.ledger.load(request_id).open_move, MoveIntended)
    assert world.holds.holders() == {f"{request_id}-1"}

    world.readings.is_slow = False
    assert world.say(request_id, "cleo") is Verdict.PROMOTED


def test_what_is_compared_for_one_request_says_nothing_for_another(world):
    """Work that began before a request holds the files would say what they were before."""
    first, second = world.ask(), world.ask(evidence=EVIDENCE | {"more": {"x": 1}})
    for request_id in (first, second):
        world.say(request_id, "ben")
        world.readings.is_slow = True
        with pytest.raises(StillReading):
            world.say(request_id, "cleo")
        world.readings.is_slow = False
        world.ledger.moving.clear()

    comparing = [work for work in world.readings.under_way if work.startswith("compare")]
    assert len(comparing) == len(set(comparing)) == 2
