"""What a request binds, and what becomes of decisions when a part of it changes."""

import re
from dataclasses import replace

import pytest

from handrail.approvals.domain.errors import Closed, MoveUnderWay
from handrail.approvals.domain.events import Choice
from handrail.approvals.domain.judging import Verdict
from handrail.approvals.domain.policy import Rule
from handrail.errors import Unavailable
from tests.fakes.approvals import EVIDENCE, RULES
from tests.fakes.approvals_world import World, opening


@pytest.fixture
def world():
    return World()


def _flip(world):
    world.trees.content["/artifacts/1/1/model"]["MLmodel"] = b"format: pickle"


def _add(world):
    world.trees.content["/artifacts/1/1/model"][".git/hook"] = b"x"


def _drop(world):
    del world.trees.content["/artifacts/1/1/model"]["MLmodel"]


def _weaken(world):
    world.change_rules(quorum={"ml-engineer": 1})


def _loosen(world):
    world.change_rules(rules=(Rule("evaluation.roc_auc", at_least=0.5), *RULES[1:]))


def _remake_model(world):
    world.register(1, epoch=2)


def _remake_version(world):
    world.register(1, created=777)


def _move_alias(world):
    world.registry.aliases["flights", "champion"] = 9


def _delete(world):
    del world.registry.versions["flights", 1]


def _swap_evidence(world):
    (request_id,) = world.ledger.stored
    history = world.ledger.stored[request_id]
    better = EVIDENCE | {"evaluation": {"roc_auc": 0.80}}
    world.ledger.stored[request_id] = replace(history, request=replace(history.request, evidence=better))


CHANGES = (
    (_flip, "the files of the version"),
    (_add, "the files of the version"),
    (_drop, "the files of the version"),
    (_weaken, "the policy"),
    (_loosen, "the policy"),
    (_remake_model, "made again"),
    (_remake_version, "made again"),
    (_move_alias, "the version that the alias points at"),
    (_delete, "no registered model named"),
    (_swap_evidence, "the evidence"),
)


@pytest.mark.parametrize(("change", "words"), CHANGES, ids=[change.__name__[1:] for change, _ in CHANGES])
def test_a_change_of_anything_that_is_bound_voids_the_decisions(world, change, words):
    request_id = world.ask()
    world.say(request_id, "ben")

    change(world)

    for account in ("cleo", "ben"):
        with pytest.raises(Closed, match=words) as caught:
            world.say(request_id, account)
        assert caught.value.verdict == "void"
    assert world.registry.aliases.get(("flights", "champion")) in (None, 9)
    assert not world.ledger.permits


@pytest.mark.parametrize("change", [_weaken, _loosen])
def test_a_request_of_another_policy_is_refused_at_each_look_and_not_only_at_a_decision(world, change):
    request_id = world.ask()

    change(world)

    judgement = world.gate.records.request(request_id).judgement
    assert judgement.verdict is Verdict.REFUSED
    assert judgement.reasons == ("The request was opened under another policy.",)


def test_a_request_is_named_by_twenty_digits(world):
    assert re.fullmatch("pr-[0-9a-f]{20}", world.ask())


def test_what_is_void_stays_void_when_the_change_is_undone(world):
    request_id = world.ask()
    world.say(request_id, "ben")
    good = world.trees.content["/artifacts/1/1/model"]["MLmodel"]
    _flip(world)
    with pytest.raises(Closed):
        world.say(request_id, "cleo")
    world.trees.content["/artifacts/1/1/model"]["MLmodel"] = good

    with pytest.raises(Closed):
        world.say(request_id, "cleo")

    fresh = world.ask()
    assert fresh != request_id
    assert world.ledger.load(fresh).decisions == ()


def test_of_two_approved_challengers_the_second_is_void(world):
    world.promote()
    evidence = EVIDENCE | {"comparison": {"ci_low": 0.01}}
    world.register(2)
    world.register(3)
    second, third = world.ask(version="2", evidence=evidence), world.ask(version="3", evidence=evidence)
    for request_id in (second, third):
        world.say(request_id, "ben")

    assert world.say(second, "cleo") is Verdict.PROMOTED
    with pytest.raises(Closed, match="the alias points at"):
        world.say(third, "cleo")
    assert world.champion() == 2


def test_a_comparison_has_to_be_with_what_the_alias_points_at(world):
    world.change_rules(rules=(*RULES, Rule("comparison.incumbent", is_incumbent=True, if_replacing=True)))
    champion = world.ledger.load(world.promote()).request.subject.tree_digest
    world.register(2)
    world.trees.content["/artifacts/1/2/model"] = {"MLmodel": b"another"}

    refused = world.gate.open_request(_against("sha256:" + "0" * 64), "ada").judgement
    pending = world.gate.open_request(_against(champion), "ada").judgement

    assert refused.verdict is Verdict.REFUSED
    assert f"the alias points at {champion}" in refused.reasons[0]
    assert pending.verdict is Verdict.PENDING


def _against(tree):
    return opening(version="2", evidence=EVIDENCE | {"comparison": {"ci_low": 0.01, "incumbent": tree}})


def test_a_move_waits_for_another_one_of_the_same_alias(world):
    request_id = world.ask()
    world.say(request_id, "ben")
    world.ledger.moving["local-1", "flights", "champion"] = "pr-other"

    with pytest.raises(MoveUnderWay, match="pr-other"):
        world.say(request_id, "cleo")
    assert world.champion() is None

    world.ledger.moving.clear()
    assert world.say(request_id, "cleo") is Verdict.PROMOTED


def test_a_move_that_the_registry_did_not_commit_is_finished_by_the_same_decision(world):
    request_id = world.ask()
    world.say(request_id, "ben")
    world.registry.fail_before = Unavailable("The registry", "its disk is full", "Free it.")

    with pytest.raises(Unavailable, match="disk is full"):
        world.say(request_id, "cleo")
    with pytest.raises(Closed, match="being promoted"):
        world.say(request_id, "cleo", Choice.REJECT)

    assert world.say(request_id, "cleo") is Verdict.PROMOTED
    assert world.champion() == 1


def test_a_promoted_version_can_come_back_by_a_new_request(world):
    first = world.promote()
    world.register(2)
    world.promote(2)

    again = world.ask(evidence=EVIDENCE | {"comparison": {"ci_low": 0.0}})

    assert again != first
    assert world.ledger.load(again).request.subject.incumbent == 2


def test_after_a_rollback_the_same_question_is_a_new_request(world):
    first = world.promote()
    world.register(2)
    world.promote(2)

    back = world.ask(evidence=EVIDENCE | {"comparison": {"ci_low": 0.01}})

    assert back != first
    assert world.say(back, "ben") is Verdict.PENDING
    assert world.say(back, "cleo") is Verdict.PROMOTED
    assert world.champion() == 1


def test_a_version_can_be_rolled_back_to_again_and_again(world):
    world.register(2)
    asked = [world.promote(1 + turn % 2) for turn in range(6)]

    assert len(set(asked)) == 6
    assert [world.ledger.load(each).request.turn for each in asked] == [0, 0, 1, 1, 2, 2]
    assert world.champion() == 2


def test_an_alias_that_was_taken_away_needs_a_new_request_for_the_same_version(world):
    first = world.promote()
    del world.registry.aliases["flights", "champion"]

    assert world.promote() != first
    assert world.champion() == 1


def test_asking_again_for_what_the_alias_points_at_returns_the_promoted_request(world):
    request_id = world.promote()

    view = world.gate.open_request(opening(evidence=EVIDENCE | {"comparison": {"ci_low": 0.01}}), "ada")

    assert view.history.request.request_id == request_id
    assert view.judgement.verdict is Verdict.PROMOTED
