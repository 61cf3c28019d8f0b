import pytest

from handrail.approvals.domain.errors import Closed, NotEligible
from handrail.approvals.domain.judging import Verdict
from handrail.approvals.domain.people import Person
from handrail.errors import Refused
from tests.fakes.approvals import PEOPLE
from tests.fakes.approvals_world import World


@pytest.fixture
def world():
    """A champion from before the gate: nobody knows who made it."""
    world = World()
    world.provenance.rows.clear()
    world.registry.aliases["flights", "champion"] = 1
    return world


def _adopt(world, account="ada"):
    return world.gate.adopt("flights", "Champion", "served since March", account)


def test_the_quorum_takes_over_what_the_alias_points_at(world):
    view = _adopt(world)
    request_id = view.history.request.request_id

    assert view.judgement.verdict is Verdict.PENDING
    assert _adopt(world).history.request.request_id == request_id
    world.say(request_id, "ben")
    assert world.say(request_id, "cleo") is Verdict.PROMOTED
    permit, _ = world.journal.promotions[request_id]
    assert (permit.version, permit.authors, permit.evidence) == (1, (), {})
    assert '"adopts":true' in world.ledger.permits[0][2] or world.ledger.stored[request_id].request.subject.adopts


def test_whoever_asks_does_not_decide(world):
    world.rules.persons = (*PEOPLE[:1], Person("Bo", frozenset({"bo"}), frozenset({"ml-engineer"})), PEOPLE[2])
    request_id = _adopt(world, "bo").history.request.request_id

    with pytest.raises(NotEligible, match="asked for the promotion"):
        world.say(request_id, "bo")


def test_a_stranger_cannot_ask(world):
    view = _adopt(world, "stranger")

    assert view.judgement.verdict is Verdict.REFUSED
    assert "belongs to nobody" in view.judgement.reasons[0]


def test_known_makers_of_what_was_there_do_not_decide_either(world):
    world.provenance.record("run", "run-1", "ben")
    request_id = _adopt(world).history.request.request_id

    with pytest.raises(NotEligible, match="Ben made the candidate"):
        world.say(request_id, "ben")


def test_nothing_else_is_adopted(world):
    del world.registry.aliases["flights", "champion"]
    with pytest.raises(Refused, match="points at nothing"):
        _adopt(world)


def test_what_was_promoted_is_not_adopted():
    world = World()
    request_id = world.promote()

    with pytest.raises(Refused, match=f"{request_id} has promoted it; there is nothing to adopt"):
        _adopt(world)


def test_an_alias_that_moves_meanwhile_ends_the_adoption(world):
    request_id = _adopt(world).history.request.request_id
    world.say(request_id, "ben")
    world.register(2)
    world.registry.aliases["flights", "champion"] = 2

    assert world.gate.request(request_id).judgement.verdict is Verdict.VOID
    with pytest.raises(Closed, match="void.*points at version 2"):
        world.say(request_id, "cleo")
    assert world.ledger.permits == []


def test_an_adoption_is_another_question_than_a_promotion(world):
    adopted = _adopt(world).history.request.request_id

    assert world.ask() != adopted


def test_after_the_adoption_a_challenger_replaces_it(world):
    request_id = _adopt(world).history.request.request_id
    for account in ("ben", "cleo"):
        world.say(request_id, account)
    world.register(2)

    world.promote(2)

    assert world.champion() == 2
