"""Breaking the glass: at once by one person, confirmed by two others, or reverted by the gate."""

from datetime import timedelta

import pytest

from handrail.approvals.domain.errors import NotEligible
from handrail.approvals.domain.judging import Verdict
from handrail.approvals.domain.leaves import opening_leaf
from handrail.approvals.domain.rights import Glass, Rights
from handrail.errors import Refused
from tests.fakes.approvals_emergency import break_glass, emergency_world, permit_of


@pytest.fixture
def world():
    return emergency_world()


def test_one_person_of_the_role_moves_the_alias_at_once(world):
    broken, confirmation = break_glass(world)

    assert world.champion() == 2
    assert broken.judgement.verdict is Verdict.PROMOTED
    assert confirmation.judgement.verdict is Verdict.PENDING
    permit = permit_of(world, broken)
    assert permit.approvers == ("Dora",)
    assert permit.terms.expires - world.clock.now < timedelta(hours=24)
    assert permit.terms.counter == 2


def test_the_leaf_says_that_it_is_an_alarm(world):
    request = break_glass(world)[0].history.request

    facts = opening_leaf(request, "{}", 1).facts

    assert (facts["purpose"], facts["alarm"], facts["requester"]) == ("break-glass", True, "dora")


@pytest.mark.parametrize("account", ["ben", "ada", "root", "DORA"])
def test_nobody_else_breaks_it(world, account):
    with pytest.raises(NotEligible):
        break_glass(world, account=account)

    assert world.champion() == 1
    assert len(world.ledger.find()) == 1


def test_nobody_breaks_it_where_the_policy_names_no_role(world):
    world.change_rules(rights=Rights())

    with pytest.raises(NotEligible, match="none is named"):
        break_glass(world)


def test_the_maker_of_the_version_does_not_break_it_alone(world):
    world.register(3, author="dora")

    with pytest.raises(Refused, match="Dora made the version"):
        break_glass(world, 3)

    assert world.champion() == 1


def test_the_maker_may_where_the_policy_says_so(world):
    world.change_rules(glass=Glass(by_makers=True))
    world.register(3, author="dora")

    break_glass(world, 3)

    assert world.champion() == 3


def test_what_runs_code_is_refused_also_in_an_emergency(world):
    world.trees.content["/artifacts/1/2/model"]["a.pkl"] = b"\x80\x04"

    with pytest.raises(Refused, match=r"a\.pkl"):
        break_glass(world)

    assert world.champion() == 1


def test_makers_that_nobody_knows_are_refused_also_in_an_emergency(world):
    world.provenance.record("path", "/artifacts/1/2/model", "stranger")

    with pytest.raises(Refused, match="'stranger'"):
        break_glass(world)
