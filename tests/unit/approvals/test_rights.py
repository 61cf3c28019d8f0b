from dataclasses import replace

import pytest

from handrail.approvals.domain.errors import NotEligible
from handrail.approvals.domain.events import Choice
from handrail.approvals.domain.judging import Verdict
from handrail.approvals.domain.people import Person, Service
from handrail.approvals.domain.policy import Policy
from handrail.approvals.domain.rights import Action, Rights
from handrail.approvals.domain.terms import PermitRules
from handrail.errors import Refused
from tests.fakes.approvals import PEOPLE, QUORUM, RULES
from tests.fakes.approvals_world import World, opening

POLICY = Policy("champion", QUORUM, RULES)
DECIDERS = frozenset(QUORUM)
DORA = Person("Dora", frozenset({"dora"}), frozenset({"devops-engineer"}))
DEVOPS = frozenset({"devops-engineer"})


@pytest.fixture
def world():
    world = World()
    world.rules.persons = (*PEOPLE, DORA)
    return world


@pytest.mark.parametrize(
    ("action", "default"),
    [
        (Action.REQUEST, frozenset()),
        (Action.REJECT, DECIDERS),
        (Action.REVOKE, DECIDERS),
        (Action.ROLL_BACK, DECIDERS),
        (Action.BREAK_GLASS, frozenset()),
    ],
)
def test_what_is_not_named_stays_with_those_who_approve(action, default):
    named = {"permits": PermitRules(revokers=DEVOPS)} if action is Action.REVOKE else {"rights": _rights(action)}

    assert POLICY.may(action) == default
    assert replace(POLICY, **named).may(action) == DEVOPS
    assert replace(POLICY, **named).digest != POLICY.digest


def _rights(action):
    return Rights(**{str(action): DEVOPS})


def test_those_who_approve_in_a_later_step_are_among_them():
    assert replace(POLICY, later=({"data-engineer": 1},)).may(Action.ROLL_BACK) == DECIDERS | {"data-engineer"}


def test_only_named_roles_reject(world):
    world.change_rules(rights=Rights(reject=DEVOPS))
    request_id = world.ask()

    with pytest.raises(NotEligible, match="Ben holds none of the roles that reject here: devops-engineer"):
        world.say(request_id, "ben", Choice.REJECT)
    with pytest.raises(NotEligible, match="Dora holds none of the roles that approve here: business-stakeholder, ml-"):
        world.say(request_id, "dora")

    assert world.say(request_id, "dora", Choice.REJECT) is Verdict.REJECTED


def test_an_approval_by_somebody_who_may_only_reject_never_counts(world):
    world.change_rules(quorum={"ml-engineer": 1}, rights=Rights(reject=DEVOPS))
    request_id = world.ask()

    with pytest.raises(NotEligible):
        world.say(request_id, "dora")

    assert world.champion() is None


def test_only_named_roles_ask_for_a_promotion(world):
    world.change_rules(rights=Rights(request=DEVOPS))

    with pytest.raises(Refused, match="Ada holds none of the roles that ask for promotions here: devops-engineer"):
        world.ask()
    with pytest.raises(Refused, match="'mallory' belongs to nobody"):
        world.gate.open_request(opening(), "mallory")
    assert world.ledger.stored == {}
    assert world.holds.holder("version", "flights/1") is None

    assert world.gate.open_request(opening(), "dora").judgement.verdict is Verdict.PENDING


def test_a_service_asks_with_the_roles_of_its_owner(world):
    world.rules.services = (Service("training", frozenset({"train"}), "Dora"),)
    world.change_rules(rights=Rights(request=DEVOPS))

    assert world.gate.open_request(opening(), "train").judgement.verdict is Verdict.PENDING


def test_a_request_of_somebody_who_may_not_ask_any_more_is_refused(world):
    request_id = world.ask()
    history = world.ledger.load(request_id)
    world.change_rules(rights=Rights(request=DEVOPS))

    view = world.gate.records.view(history)

    assert view.judgement.verdict is Verdict.REFUSED
    assert "Ada holds none of the roles that ask for promotions here" in view.judgement.reasons[0]


def test_a_change_of_those_who_may_reject_or_ask_is_a_change_of_the_persons(world):
    world.change_rules(rights=Rights(reject=DEVOPS))
    request_id = world.ask()
    world.rules.persons = (*PEOPLE, DORA, Person("Eve", frozenset({"eve"}), DEVOPS))

    assert world.gate.request(request_id).judgement.verdict is Verdict.VOID
