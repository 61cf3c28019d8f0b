"""Policies that require lineage: the gate looks itself, when a request is opened and before each decision."""

from dataclasses import replace

import pytest

from handrail.approvals.domain.errors import Closed
from handrail.approvals.domain.judging import Verdict
from handrail.approvals.domain.permit import Envelope
from handrail.approvals.domain.requirements import lineage_rules
from handrail.approvals.domain.tracing import COMPLETE, Traced
from handrail.errors import Refused, Unavailable
from tests.fakes.approvals_world import World, opening
from tests.fakes.kept_world import KeptWorld

GAP = "What mlflow://local-1/run/run-1 read is not recorded."


def _require(world):
    world.change_rules(rules=lineage_rules())
    return world


@pytest.fixture
def world():
    return _require(World())


def test_a_complete_trace_is_a_rule_that_the_gate_found_met_and_stands_in_the_permit(world):
    request_id = world.ask(evidence={})
    (measure,) = world.gate.request(request_id).to_json()["measures"]
    world.say(request_id, "ben")

    assert world.say(request_id, "cleo") is Verdict.PROMOTED
    met = {"measure": "lineage.gaps", "value": 0, "level": "recomputed", "by": "the gate", "met": True}
    assert measure | met | {"wanted": "recomputed"} == measure
    (permit,) = world.shelf.permits.values()
    assert b'"measure":"lineage.gaps"' in Envelope.from_json(permit).payload
    assert world.gate.request(request_id).to_json()["traced"]["data"] == 2


def test_what_is_missing_refuses_by_name_whatever_was_sent(world):
    world.traces.gaps[1] = (GAP,)

    view = world.gate.request(world.ask(evidence={"lineage": {"gaps": 0}}))

    assert view.judgement.verdict is Verdict.REFUSED
    assert view.judgement.reasons == (
        "lineage.gaps is 1, recomputed by the gate; the policy wants exactly 0 (require: lineage is complete). 0 was "
        "claimed by ada.",
        GAP,
    )


def test_a_trace_of_other_files_is_no_trace_of_these(world):
    world.traces.trees[1] = "sha256:" + "0" * 64

    assert world.gate.request(world.ask()).judgement.verdict is Verdict.REFUSED


def test_whoever_records_what_was_missing_can_ask_again(world):
    world.traces.gaps[1] = (GAP,)
    refused = world.ask()
    assert world.ask() == refused

    del world.traces.gaps[1]

    assert world.gate.request(world.ask()).judgement.verdict is Verdict.PENDING


def test_a_later_gap_shuts_before_the_last_approval(world):
    request_id = world.ask()
    world.say(request_id, "ben")
    world.traces.gaps[1] = (GAP,)

    with pytest.raises(Closed, match="its lineage became incomplete: What mlflow://local-1/run/run-1 read"):
        world.say(request_id, "cleo")

    assert world.champion() is None
    assert GAP in world.ledger.load(request_id).voided.reasons[0]


def test_a_gap_that_appears_before_the_move_keeps_the_alias(world):
    request_id = world.ask()
    world.say(request_id, "ben")
    after = world.traces.looks + 1  # the decision looks once, the move once more
    look = world.traces.traced

    def later(*asked):
        if world.traces.looks >= after:
            world.traces.gaps[1] = (GAP,)
        return look(*asked)

    world.traces.traced = later

    with pytest.raises(Closed, match="became incomplete"):
        world.say(request_id, "cleo")
    assert world.champion() is None


def test_lineage_that_cannot_be_read_refuses_with_a_sentence_and_stores_nothing(world):
    request_id = world.ask()
    world.say(request_id, "ben")
    events = world.ledger.load(request_id).events
    world.traces.fail_with = Unavailable("Lineage cannot be read", "the store is locked", "Try again.")

    with pytest.raises(Unavailable, match="the store is locked"):
        world.say(request_id, "cleo")
    with pytest.raises(Unavailable, match="the store is locked"):
        world.gate.open_request(opening(reason="again"), "ada")

    assert world.ledger.load(request_id).events == events
    world.traces.fail_with = None
    assert world.say(request_id, "cleo") is Verdict.PROMOTED


def test_a_policy_that_does_not_ask_never_looks():
    world = World()
    world.traces.fail_with = Unavailable("Lineage cannot be read", "it is gone", "Try again.")

    world.promote()

    assert world.traces.looks == 0


def test_what_an_alias_serves_from_before_the_gate_is_adopted_without_a_trace(world):
    world.registry.aliases["flights", "champion"] = 1
    world.traces.gaps[1] = (GAP,)

    view = world.gate.adopt("flights", "champion", "served since March", "ada")

    assert (view.judgement.verdict, world.traces.looks) == (Verdict.PENDING, 0)


@pytest.mark.parametrize(
    "forged",
    [
        {"traced": None},
        {"traced": Traced((), 0, "sha256:00", 0)},
        {"traced": Traced(("git://shop/c",), 0, "sha256:00", 0)},
        {"traced": Traced(("git://shop/c",), 2, "sha256:00", 1, (GAP,))},
    ],
)
def test_a_keeper_stores_no_request_whose_lineage_contradicts_itself(forged):
    world = _require(KeptWorld())
    request = world.gate.request(world.ask()).history.request
    assert request.subject.lineage == COMPLETE
    other = KeptWorld()
    _require(other)

    with pytest.raises(Refused, match="another lineage"):
        other.gate_ledger.open(replace(request, opened_at=other.clock(), **forged))
