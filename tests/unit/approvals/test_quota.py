import pytest

from handrail.approvals.service import Limits
from handrail.errors import Refused
from tests.fakes.approvals import EVIDENCE
from tests.fakes.approvals_world import World, opening


def _world(**limits):
    world = World(limits=Limits(**limits))
    for version in range(2, 9):
        world.register(version)
    return world


def test_an_account_may_have_so_many_open_requests_and_no_more():
    world = _world(open_requests=2)
    for version in (1, 2):
        world.gate.open_request(opening(version), "ada")

    with pytest.raises(Refused, match=r"'ada' has 2 open requests; the setting approvals_most_open allows 2"):
        world.gate.open_request(opening(3), "ada")

    assert len(world.gate.requests()) == 2
    assert world.gate.open_request(opening(3), "zoe")


def test_nothing_is_held_or_hashed_for_an_account_over_its_limit():
    world = _world(open_requests=1)
    world.gate.open_request(opening(1), "ada")
    before = len(world.trees.asked)

    with pytest.raises(Refused):
        world.gate.open_request(opening(2), "ada")

    assert world.holds.holder("version", "flights/2") is None
    assert len(world.trees.asked) == before


def test_refused_requests_lock_nobody_out():
    world = _world(open_requests=2)
    weak = {**EVIDENCE, "evaluation": {"roc_auc": 0.51}}
    for version in range(1, 6):
        world.gate.open_request(opening(version, evidence=weak), "ada")

    assert world.gate.open_request(opening(6), "ada").is_open


def test_so_much_is_kept_for_an_account_and_no_more():
    world = _world(kept_characters=9_000)
    world.gate.open_request(opening(1), "ada")

    with pytest.raises(Refused, match="the setting approvals_most_kept allows 9,000"):
        world.gate.open_request(opening(2, evidence={**EVIDENCE, "pages": {"x": "y" * 9_000}}), "ada")


def test_nothing_is_hashed_for_a_decision_of_somebody_who_may_not_decide():
    from handrail.approvals.domain.errors import NotEligible
    from handrail.approvals.domain.events import Choice

    world = _world()
    request_id = world.gate.open_request(opening(1), "ada").history.request.request_id
    before = len(world.trees.asked)

    for account in ("ada", "zoe", "nobody"):
        with pytest.raises(NotEligible):
            world.gate.decide(request_id, account, Choice.APPROVE, "x")

    assert len(world.trees.asked) == before
