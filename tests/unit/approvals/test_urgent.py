"""What an account may do about an alias at once, and who else could: as the gate itself then decides."""

import pytest

from handrail.approvals.domain.errors import NotEligible
from handrail.approvals.domain.rights import Glass, Rights
from handrail.approvals.service.urgent import urgent_ways
from handrail.errors import HandrailError, Refused, UnknownReference
from tests.fakes.approvals_emergency import break_glass, emergency_world
from tests.fakes.approvals_world import opening


@pytest.fixture
def world():
    return emergency_world()


def _ways(world, account):
    return urgent_ways(world.rules, "flights", "champion", account)


def test_whoever_the_policy_names_may_break_the_glass_and_all_others_read_who_could(world):
    dora, ben = _ways(world, "dora").glass, _ways(world, "ben").glass

    assert (dora.refusal, dora.could, dora.roles) == (None, ("Dora", "Gina"), ("devops-engineer",))
    assert "holds none of the roles that break the glass" in ben.refusal
    assert ben.could == ("Dora", "Gina")
    assert "belongs to no person" in _ways(world, "nobody").glass.refusal


def test_two_others_confirm_it_and_oneself_is_not_among_them(world):
    gina = _ways(world, "gina").glass

    assert (gina.needed, gina.approve) == (2, ("Ben", "Cleo", "Zed"))
    assert "Gina" in _ways(world, "dora").glass.approve


@pytest.mark.parametrize("account", ["dora", "gina", "ben", "ada", "root"])
def test_it_says_what_the_gate_then_does(world, account):
    said = _ways(world, account).glass.refusal
    done: list[str | None] = []
    try:
        break_glass(world, account=account)
        done.append(None)
    except NotEligible as err:
        done.append(err.reason)

    assert done == [said]


def test_anybody_asks_to_go_back_where_the_policy_names_nobody_and_one_other_approves(world):
    back = _ways(world, "root").back

    assert (back.refusal, back.roles, back.needed) == (None, (), 1)
    assert back.approve == ("Ben", "Cleo", "Gina", "Zed")


def test_roles_that_a_policy_names_for_asking_and_going_back_count(world):
    rights = Rights(request=frozenset({"data-scientist"}), roll_back=frozenset({"devops-engineer"}))
    world.change_rules(rights=rights, glass=Glass(hours=2))

    ada, ben = _ways(world, "ada"), _ways(world, "ben")

    assert (ada.back.refusal, ada.back.could, ada.back.approve) == (None, ("Ada",), ("Dora", "Gina"))
    assert "ask for promotions" in ben.back.refusal
    assert (ada.glass.could, ada.hours) == ((), 2)
    with pytest.raises(Refused, match="ask for promotions"):
        world.gate.open_request(opening(1), "ben")


def test_an_alias_without_a_policy_has_no_ways(world):
    with pytest.raises(UnknownReference):
        urgent_ways(world.rules, "flights", "nothing", "dora")


def test_the_request_that_confirms_an_emergency_is_found_again(world):
    assert world.gate.glass.in_force() == ()
    broken, confirmation = break_glass(world)
    history = world.ledger.load(broken.history.request.request_id)

    found = world.gate.glass.confirmation_of(history)

    assert found.request.request_id == confirmation.history.request.request_id


def test_no_confirmation_is_found_where_none_was_opened_or_the_policy_is_gone(world):
    promoted = world.ledger.find()[0]
    assert world.gate.glass.confirmation_of(promoted) is None
    del world.rules.policies["champion"]

    with pytest.raises(HandrailError, match="no policy"):
        world.gate.glass.confirmation_of(promoted)
