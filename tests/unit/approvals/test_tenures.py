from datetime import timedelta

import pytest

from handrail.errors import UnknownReference
from tests.fakes.approvals_world import World


@pytest.fixture
def world():
    world = World()
    world.register(2)
    return world


def _moved(world, request_id):
    return world.ledger.load(request_id).done.at


def test_the_last_move_before_a_moment_says_who_and_on_what(world):
    first, second = world.promote(), world.promote(2)
    begun, ended = _moved(world, first), _moved(world, second)

    for moment in (begun, ended - timedelta(microseconds=1)):
        found = world.gate.records.at("flights", "champion", moment).to_json()

        assert (found["request_id"], found["version"]) == (first, 1)
        assert (found["since"], found["until"]) == (begun.isoformat(), ended.isoformat())
        assert [row["person"] for row in found["approvers"]] == ["Ben", "Cleo"]
        assert found["evidence"] == dict(world.ledger.load(first).request.subject.evidence)
    last = world.gate.records.at("flights", "champion", ended)
    assert (last.history.request.request_id, last.until) == (second, None)


def test_a_request_that_moved_nothing_is_no_answer(world):
    first = world.promote()
    world.ask(version="2", evidence={})

    assert world.gate.records.at("flights", "champion", world.clock()).history.request.request_id == first


def test_a_moment_before_the_first_move_and_an_alias_that_never_moved_are_named(world):
    before = world.clock()
    request_id = world.promote()

    with pytest.raises(UnknownReference, match=f"moved it first at {_moved(world, request_id).isoformat()[:10]}"):
        world.gate.records.at("flights", "champion", before)
    with pytest.raises(UnknownReference, match="never moved"):
        world.gate.records.at("other", "champion", before)
