"""What a list of requests shows of each: how it stands now, not how it stood when somebody last decided."""

import pytest

from handrail.approvals.domain.judging import Verdict
from handrail.errors import Misconfigured, UnknownReference
from tests.fakes.approvals import EVIDENCE
from tests.fakes.approvals_world import World


@pytest.fixture
def world():
    return World()


def test_a_request_whose_alias_moved_meanwhile_is_void_before_anybody_decides(world):
    waiting = world.ask()
    world.register(2)
    world.registry.point("flights", "champion", 2)

    view = world.gate.request(waiting)

    assert view.judgement.verdict is Verdict.VOID
    assert "nothing became 2" in view.judgement.reasons[0]
    assert [each.judgement.verdict for each in world.gate.requests()] == [Verdict.VOID]
    assert world.gate.requests(only_open=True) == []
    assert not world.ledger.load(waiting).voided, "looking records nothing"


def test_a_request_about_a_model_that_is_gone_is_void_in_the_list(world):
    waiting = world.ask()

    def gone(model, _alias):
        raise UnknownReference("registered model", model, "Register it.")

    world.registry.incumbent = gone

    assert world.gate.requests(only_open=True) == []
    assert "no registered model named 'flights'" in world.gate.request(waiting).judgement.reasons[0]


def test_a_request_that_still_fits_is_listed_as_it_is(world):
    waiting = world.ask()

    assert world.gate.request(waiting).judgement.verdict is Verdict.PENDING
    assert [each.judgement.verdict for each in world.gate.requests(only_open=True)] == [Verdict.PENDING]


def test_a_list_outlives_the_policy_of_one_of_its_requests(world):
    promoted = world.promote()
    world.register(2)
    waiting = world.ask(version="2", evidence=EVIDENCE | {"comparison": {"ci_low": 0.01}})

    del world.rules.policies["champion"]

    verdicts = {view.history.request.request_id: view.judgement for view in world.gate.requests()}
    assert verdicts[promoted].verdict is Verdict.PROMOTED
    assert verdicts[waiting].verdict is Verdict.REFUSED
    assert "no policy named 'champion'" in verdicts[waiting].reasons[0]
    with pytest.raises(UnknownReference, match="no policy named"):
        world.say(waiting, "ben")


def test_a_list_is_shown_while_a_policy_has_a_mistake_and_nothing_is_decided(world):
    waiting = world.ask()
    world.rules.broken = Misconfigured("champion.yaml", "it is not YAML", "Correct it.")

    (view,) = world.gate.requests()
    assert (view.judgement.verdict, view.judgement.reasons) == (Verdict.PENDING, (str(world.rules.broken),))
    with pytest.raises(Misconfigured):
        world.say(waiting, "ben")
