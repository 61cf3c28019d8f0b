"""A permit is taken back by a role that the policy names, once, with a reason, and everybody can read it."""

import pytest

from handrail.approvals.domain.errors import NotEligible
from handrail.approvals.domain.people import Person
from handrail.approvals.domain.permit import Envelope
from handrail.approvals.domain.revocations import PAYLOAD_TYPE, RevocationList
from handrail.approvals.domain.terms import PermitRules
from handrail.errors import InvalidInput, Refused, UnknownReference
from tests.fakes.approvals import PEOPLE
from tests.fakes.approvals_world import World


@pytest.fixture
def world():
    return World()


def _listed(world):
    return RevocationList.from_payload(Envelope.from_json(world.shelf.revoked, PAYLOAD_TYPE).payload)


def test_a_permit_is_taken_back_once_and_listed(world):
    request_id = world.promote()
    world.gate.revoker.publish()
    assert _listed(world).revoked == ()

    first = world.gate.revoker.revoke(request_id, "ben", "it leaks the label")
    again = world.gate.revoker.revoke(request_id, "cleo", "once more")

    assert again == first
    (listed,) = _listed(world).revoked
    assert (listed.request_id, listed.person, listed.reason) == (request_id, "Ben", "it leaks the label")
    assert world.gate.records.request(request_id).to_json()["revoked"]["person"] == "Ben"
    assert world.champion() == 1


@pytest.mark.parametrize("account", ["ada", "nobody", "BEN", ""])
def test_nobody_without_the_role_takes_it_back(world, account):
    request_id = world.promote()

    with pytest.raises(NotEligible, match="business-stakeholder, ml-engineer"):
        world.gate.revoker.revoke(request_id, account, "x")

    assert world.ledger.load(request_id).revoked is None


def test_the_policy_names_who_takes_back(world):
    world.change_rules(permits=PermitRules(revokers=frozenset({"devops-engineer"})))
    world.rules.persons = (*PEOPLE, Person("Olaf", frozenset({"olaf"}), frozenset({"devops-engineer"})))
    request_id = world.promote()

    with pytest.raises(NotEligible):
        world.gate.revoker.revoke(request_id, "ben", "x")

    assert world.gate.revoker.revoke(request_id, "olaf", "x").revoked.person == "Olaf"


def test_what_has_no_permit_is_not_taken_back(world):
    with pytest.raises(Refused, match="It has no permit"):
        world.gate.revoker.revoke(world.ask(), "ben", "x")
    with pytest.raises(UnknownReference, match="pr-none"):
        world.gate.revoker.revoke("pr-none", "ben", "x")
    with pytest.raises(InvalidInput, match="reason"):
        world.gate.revoker.revoke(world.promote(), "ben", "two\nlines")


def test_what_was_taken_back_can_be_asked_for_again(world):
    first = world.promote()
    world.gate.revoker.revoke(first, "ben", "by mistake")

    second = world.promote()

    assert second != first
    assert [each.request_id for each in _listed(world).revoked] == [first]
