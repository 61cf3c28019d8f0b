"""A keeper stores rollbacks and emergencies as the gate makes them, and nothing else that looks like one."""

from dataclasses import replace
from datetime import timedelta

import pytest

from handrail.approvals.domain.errors import NotEligible
from handrail.approvals.domain.events import Reverting, Revoked
from handrail.approvals.domain.judging import Verdict
from handrail.approvals.domain.rights import Rights
from handrail.approvals.domain.subject import Purpose
from handrail.approvals.service.short_ways import GATE
from handrail.errors import Refused
from tests.fakes.approvals import PEOPLE
from tests.fakes.approvals_emergency import DORA, GINA, ZED, break_glass, confirm, expire
from tests.fakes.approvals_world import opening
from tests.fakes.kept_world import KeptWorld


class Kept:
    """The ledger of a gate with a keeper: what is stored goes by the keeper, the rest is looked up."""

    def __init__(self, proven, kept):
        self.open, self.append, self.load = proven.open, proven.append, proven.load
        self._kept = kept

    def __getattr__(self, name):
        return getattr(self._kept, name)


@pytest.fixture
def world():
    world = KeptWorld()
    world.rules.persons = (*PEOPLE, DORA, GINA, ZED)
    world.change_rules(rights=Rights(break_glass=frozenset({"devops-engineer"})))
    world.ledger = Kept(world.gate_ledger, world.kept)
    world.restart()
    world.promote(1)
    world.register(2)
    return world


def _about(world, view, **changes):
    """Return the request of a view with another subject, as whoever has the gate's process could send it."""
    request = view.history.request
    subject = replace(request.subject, **changes)
    turn = len(world.kept.find(subject_key=subject.key))
    return replace(request, request_id=subject.request_id(turn), turn=turn, subject=subject, opened_at=world.clock.now)


def test_an_emergency_is_broken_and_confirmed_by_way_of_the_keeper(world):
    _, confirmation = break_glass(world)

    assert confirm(world, confirmation, "ben", "zed") == [Verdict.PENDING, Verdict.PROMOTED]
    assert world.champion() == 2


def test_an_emergency_is_reverted_by_way_of_the_keeper(world):
    broken, _ = break_glass(world)

    expire(world)

    assert world.champion() == 1
    assert world.kept.load(broken.history.request.request_id).revoked.person == GATE


def test_a_rollback_goes_by_way_of_the_keeper(world):
    world.promote(2)
    back = world.gate.open_request(opening(1, evidence={}, purpose=Purpose.ROLLBACK), "ada")

    assert world.say(back.history.request.request_id, "zed") is Verdict.PROMOTED


def test_nothing_is_undone_before_it_is_time(world):
    broken, confirmation = break_glass(world)
    emergency = world.kept.load(broken.history.request.request_id)

    with pytest.raises(Refused, match="can still be confirmed"):
        world.gate_ledger.append(emergency, Revoked(world.clock.now, GATE, GATE, "why not"))
    early = _about(
        world, confirmation, purpose=Purpose.REVERT, version=1, created=101, about=emergency.request.request_id
    )
    tree = world.kept.find()[0].request
    early = replace(early, subject=replace(early.subject, tree_digest=tree.subject.tree_digest), manifest=tree.manifest)
    early = replace(early, request_id=early.subject.request_id(early.turn))
    with pytest.raises(Refused, match="can still be confirmed"):
        world.gate_ledger.open(early)


def test_the_gate_takes_back_no_ordinary_permit_by_itself(world):
    world.clock.now += timedelta(days=700)

    with pytest.raises(Refused, match="Nobody broke the glass"):
        world.gate_ledger.append(world.kept.find()[0], Revoked(world.clock.now, GATE, GATE, "why not"))


def test_approvals_that_nobody_gave_revert_nothing(world):
    break_glass(world)
    asked = world.gate.open_request(opening(2, evidence={}), "ada").history
    forged = ({"person": "Ben", "account": "ben", "at": "2026-01-01T00:00:00+00:00"},)

    with pytest.raises(Refused, match="only from an emergency"):
        world.gate_ledger.append(asked, Reverting(world.clock.now, forged))


def test_the_gate_goes_back_by_the_approvals_that_the_version_had_and_no_others(world):
    broken, _ = break_glass(world)
    world.clock.now += timedelta(hours=25)
    about = opening(1, evidence={}, purpose=Purpose.REVERT, about=broken.history.request.request_id)
    back = world.gate.open_request(about, GATE).history
    forged = ({"person": "Gina", "account": "gina", "at": "2026-01-01T00:00:00+00:00"},)

    with pytest.raises(Refused, match="not the approvals that the version had"):
        world.gate_ledger.append(back, Reverting(world.clock.now, forged))


def test_a_rollback_to_what_was_never_promoted_is_not_stored(world):
    world.register(3)
    asked = world.gate.open_request(opening(3, evidence={}), "ada")

    with pytest.raises(Refused, match="never promoted"):
        world.gate_ledger.open(_about(world, asked, purpose=Purpose.ROLLBACK))


@pytest.mark.parametrize("change", [{"version": 3}, {"created": 7}], ids=["version", "created"])
def test_a_confirmation_of_something_else_is_not_stored(world, change):
    _, confirmation = break_glass(world)

    with pytest.raises(Refused, match="something else than what was done in an emergency"):
        world.gate_ledger.open(_about(world, confirmation, **change))


def test_whoever_broke_the_glass_stays_the_one_who_asks(world):
    broken, confirmation = break_glass(world, account="gina")
    forged = replace(confirmation.history.request, requester="ada", turn=1)
    forged = replace(forged, request_id=forged.subject.request_id(1), opened_at=world.clock.now)

    with pytest.raises(Refused):
        world.gate_ledger.open(forged)
    emergency = world.kept.load(broken.history.request.request_id)
    with pytest.raises(NotEligible):
        world.gate_ledger.append(world.kept.load(confirmation.history.request.request_id), world.yes("gina", "Gina"))
    assert emergency.done
