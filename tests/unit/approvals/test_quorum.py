import pytest

from handrail.approvals.domain.errors import Closed, NotEligible
from handrail.approvals.domain.events import Choice
from handrail.approvals.domain.judging import Verdict
from handrail.approvals.domain.people import Person
from handrail.approvals.domain.quorum import advance
from tests.fakes.approvals import PEOPLE, QUORUM, RULES
from tests.fakes.approvals_world import World

ENGINEER, STAKEHOLDER = {"ml-engineer": 1}, {"business-stakeholder": 1}
DORA = Person("Dora", frozenset({"dora"}), frozenset({"ml-engineer", "business-stakeholder"}))
EVE = Person("Eve", frozenset({"eve"}), frozenset({"ml-engineer"}))


@pytest.fixture
def world():
    world = World()
    world.rules.persons = (*PEOPLE, DORA, EVE)
    world.change_rules(quorum=ENGINEER, later=(STAKEHOLDER,))
    return world


def _person(name, *roles):
    return Person(name, frozenset({name}), frozenset(roles))


def test_each_step_waits_for_the_one_before_it(world):
    request_id = world.ask()

    with pytest.raises(NotEligible, match="Step 1 of 2 still needs the approval of 1 ml-engineer. Cleo fills no place"):
        world.say(request_id, "cleo")
    assert world.ledger.load(request_id).decisions == ()

    assert world.say(request_id, "ben") is Verdict.PENDING
    view = world.gate.request(request_id)
    assert view.judgement.reasons == ("Step 2 of 2 still needs the approval of 1 business-stakeholder.",)
    assert world.say(request_id, "cleo") is Verdict.PROMOTED
    assert world.champion() == 1


def test_an_approval_that_fills_no_place_of_the_open_step_is_refused_and_not_spent(world):
    world.change_rules(quorum=ENGINEER | {"data-scientist": 1}, later=(STAKEHOLDER,))
    world.rules.persons = (*PEOPLE, DORA, EVE, _person("fay", "data-scientist"))
    request_id = world.ask()
    world.say(request_id, "ben")

    with pytest.raises(NotEligible, match="Step 1 of 2 still needs the approval of 1 data-scientist"):
        world.say(request_id, "dora")

    world.say(request_id, "fay")
    assert world.say(request_id, "dora") is Verdict.PROMOTED


def test_a_person_fills_a_place_of_one_step_alone(world):
    world.change_rules(quorum=ENGINEER, later=(ENGINEER,))
    request_id = world.ask()
    world.say(request_id, "ben")

    assert world.say(request_id, "ben-2") is Verdict.PENDING
    assert world.say(request_id, "eve") is Verdict.PROMOTED


def test_anyone_who_decides_in_some_step_can_reject_at_any_time(world):
    request_id = world.ask()

    assert world.say(request_id, "cleo", Choice.REJECT) is Verdict.REJECTED
    with pytest.raises(Closed):
        world.say(request_id, "ben")


def test_a_decision_that_was_given_can_be_repeated_in_a_later_step(world):
    request_id = world.ask()
    world.say(request_id, "ben")

    assert world.say(request_id, "ben") is Verdict.PENDING
    assert len(world.ledger.load(request_id).events) == 1


def test_one_step_takes_more_approvals_than_it_needs(world):
    world.change_rules(quorum=QUORUM, later=())
    request_id = world.ask()
    world.say(request_id, "ben")

    assert world.say(request_id, "eve") is Verdict.PENDING
    assert [row.person for row in world.gate.request(request_id).judgement.approvers] == ["Ben", "Eve"]


def test_an_approval_counts_for_the_step_that_is_open_at_its_turn():
    ben, cleo = _person("ben", "ml-engineer"), _person("cleo", "business-stakeholder")

    assert advance((ENGINEER, STAKEHOLDER), [ben, cleo]).missing == {}
    early = advance((ENGINEER, STAKEHOLDER), [cleo, ben])
    assert (early.step, dict(early.missing), early.counted) == (1, STAKEHOLDER, (ben,))


@pytest.mark.parametrize("steps", [({},), ({}, ENGINEER), (ENGINEER, {})])
def test_a_step_without_places_is_never_complete(steps):
    everybody = [_person("ben", "ml-engineer"), _person("eve", "ml-engineer")]

    assert advance(steps, everybody).missing == {"anyone": 1}


def test_steps_change_the_digest_and_their_order_does_too(world):
    policy = world.rules.policy("flights", "champion")
    world.change_rules(quorum=STAKEHOLDER, later=(ENGINEER,))
    turned = world.rules.policy("flights", "champion")
    world.change_rules(quorum=ENGINEER | STAKEHOLDER, later=())

    assert len({policy.digest, turned.digest, world.rules.policy("flights", "champion").digest}) == 3
    assert turned.rules == RULES
