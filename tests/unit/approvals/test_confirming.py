"""Whether a deployment is allowed at this moment: by the permit, the clock and the ledger."""

from dataclasses import replace
from datetime import timedelta

import pytest

from handrail.approvals.service.confirming import Confirmations
from handrail.errors import Refused
from handrail.refs import Use
from tests.fakes.approvals_world import World

USE = Use("local-1", "flights", "champion", "local")


@pytest.fixture
def world():
    return World()


@pytest.fixture
def desk(world):
    return Confirmations(world.ledger, world.gate.records, world.clock)


def _tree(world, request_id):
    return world.ledger.load(request_id).request.subject.tree_digest


def test_a_promoted_tree_is_confirmed_for_its_use(world, desk):
    request_id = world.promote()

    said = desk.confirm(USE, _tree(world, request_id)).to_json()

    assert (said["confirmed"], said["request_id"], said["version"]) == (True, request_id, 1)
    assert {name: said[name] for name in USE.to_json()} == USE.to_json()
    assert desk.confirm(USE, None).permit.request_id == request_id


@pytest.mark.parametrize("name", ["server", "model", "alias", "environment"])
def test_another_use_is_not_confirmed(world, desk, name):
    digest = _tree(world, world.promote())

    with pytest.raises(Refused, match="Nobody allowed it"):
        desk.confirm(replace(USE, **{name: "other"}), digest)


def test_a_tree_that_nobody_promoted_is_not_confirmed(world, desk):
    world.promote()

    with pytest.raises(Refused, match="Nobody allowed it"):
        desk.confirm(USE, f"sha256:{'0' * 64}")


def test_an_older_tree_is_confirmed_as_long_as_its_permit_counts(world, desk):
    older = _tree(world, world.promote())
    world.register(2)
    world.promote(2)

    assert desk.confirm(USE, older).permit.version == 1
    assert desk.confirm(USE, None).permit.version == 2


def test_what_was_taken_back_or_has_expired_is_not_confirmed(world, desk):
    first = world.promote()
    digest = _tree(world, first)
    world.clock.now += timedelta(days=5 * 366)
    with pytest.raises(Refused, match="expired at"):
        desk.confirm(USE, digest)
    world.clock.now -= timedelta(days=5 * 366)
    world.gate.revoker.revoke(first, "ben", "it leaks the label")

    with pytest.raises(Refused, match=r"Ben took the permit back at .*: 'it leaks the label'"):
        desk.confirm(USE, digest)


def test_a_clock_48_hours_behind_confirms_nothing(world, desk):
    digest = _tree(world, world.promote())
    world.clock.now -= timedelta(hours=48)

    with pytest.raises(Refused, match="and the clock here says"):
        desk.confirm(USE, digest)
