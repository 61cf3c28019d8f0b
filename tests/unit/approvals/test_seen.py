"""A decision is about the facts that its person was shown, or it is not recorded."""

import json
import re
from dataclasses import replace

import pytest

from handrail.approvals.adapters.event_rows import event_body, event_from
from handrail.approvals.domain.errors import NotAsShown
from handrail.approvals.domain.events import Choice, Evaluated
from handrail.approvals.domain.facts import changes_between, evaluation_json
from handrail.approvals.domain.judging import Verdict
from handrail.errors import InvalidInput
from tests.fakes.approvals import EVIDENCE, QUORUM, RULES
from tests.fakes.approvals_world import World, opening


@pytest.fixture
def world():
    return World()


def _decide(world, request_id, account, seen):
    return world.gate.decide(request_id, account, Choice.APPROVE, "looked at it", seen=seen)


def test_a_decision_keeps_the_digest_of_what_its_person_was_shown(world):
    request_id = world.ask()
    seen = world.gate.request(request_id).seen

    _decide(world, request_id, "ben", seen)

    assert [decision.seen for decision in world.ledger.load(request_id).decisions] == [seen]


def test_the_decision_of_one_person_does_not_keep_another_from_theirs(world):
    request_id = world.ask()
    seen = world.gate.request(request_id).seen

    _decide(world, request_id, "ben", seen)

    assert _decide(world, request_id, "cleo", seen).judgement.verdict is Verdict.PROMOTED


def test_a_digest_that_was_never_shown_records_nothing(world):
    request_id = world.ask()

    with pytest.raises(NotAsShown, match="never had the facts with the digest 'sha256:0'"):
        _decide(world, request_id, "ben", "sha256:0")

    assert world.ledger.load(request_id).decisions == ()


def test_a_rejection_elsewhere_after_the_look_is_said_and_nothing_is_recorded(world):
    request_id = world.ask()
    seen = world.gate.request(request_id).seen
    other = world.ask(evidence=EVIDENCE | {"more": {}})
    world.gate.decide(other, "cleo", Choice.REJECT, "leaks the label")

    with pytest.raises(NotAsShown) as caught:
        _decide(world, request_id, "ben", seen)

    assert caught.value.changes == (f"Cleo rejected the same files in {other}: 'leaks the label'.",)
    assert world.ledger.load(request_id).decisions == ()
    assert _decide(world, request_id, "ben", world.gate.request(request_id).seen).history.decisions


def test_a_measurement_after_the_look_is_said(world):
    request_id = world.ask()
    before = world.gate.request(request_id)
    measures = {"evaluation": {"roc_auc": 0.8}}
    world.ledger.append(before.history, Evaluated(world.clock(), "sha256:1", measures=measures))

    with pytest.raises(NotAsShown) as caught:
        _decide(world, request_id, "ben", before.seen)

    assert "The gate has measured the version." in caught.value.changes
    expected = "The rule on evaluation.roc_auc was met by 0.76, claimed by ada, and is met by 0.8, recomputed by the"
    assert any(change.startswith(expected) for change in caught.value.changes)


def test_a_policy_may_require_it(world):
    world.change_rules(seen_required=True)
    request_id = world.ask()

    with pytest.raises(InvalidInput, match=f"seen: it is missing.*approvals show {request_id}"):
        world.say(request_id, "ben")

    assert world.ledger.load(request_id).decisions == ()
    seen = world.gate.request(request_id).seen
    assert _decide(world, request_id, "ben", seen).history.decisions


def test_a_policy_that_says_nothing_of_it_keeps_its_digest(world):
    policy = world.rules.policies["champion"]

    assert (policy.quorum, policy.rules) == (QUORUM, RULES)
    assert replace(policy, seen_required=True).digest != policy.digest == replace(policy, seen_required=False).digest


def test_repeating_a_decision_needs_no_new_look(world):
    request_id = world.ask()
    seen = world.gate.request(request_id).seen
    _decide(world, request_id, "ben", seen)
    other = world.ask(evidence=EVIDENCE | {"more": {}})
    world.gate.decide(other, "cleo", Choice.REJECT, "leaks the label")

    assert len(_decide(world, request_id, "ben", seen).history.events) == 1


@pytest.mark.parametrize(
    "change",
    [
        {"reason": "another reason"},
        {"requester": "zoe"},
        {"authors": ("ada", "zoe")},
        {"authors": ()},
        {"formats": {"pickle": "The file 'a.pkl'"}},
        {"run_id": "run-9"},
    ],
    ids=lambda change: next(iter(change)),
)
def test_each_fact_of_a_request_makes_another_digest_and_a_sentence(world, change):
    view = world.gate.open_request(opening(), "ada")
    other = replace(view, history=replace(view.history, request=replace(view.history.request, **change)))

    assert other.seen != view.seen
    changes = changes_between(view.facts, other.facts)
    assert len(changes) == 1
    assert re.fullmatch(r"[A-Z].*\.", changes[0])


@pytest.mark.parametrize(
    "name", ["server", "epoch", "version", "tree_digest", "policy_digest", "incumbent", "evidence"]
)
def test_each_part_of_the_subject_makes_another_digest_and_a_sentence(world, name):
    view = world.gate.open_request(opening(), "ada")
    request = view.history.request
    value = {"evaluation": "sha256:9"} if name == "evidence" else "9"
    other = replace(request, subject=replace(request.subject, **{name: value}))
    changed = replace(view, history=replace(view.history, request=other))

    assert changed.seen != view.seen
    assert changes_between(view.facts, changed.facts)


def test_an_evaluation_from_before_the_cases_keeps_its_digest_and_cases_are_part_of_it(world):
    event = Evaluated(world.clock(), "sha256:1", measures={"evaluation": {"roc_auc": 0.8}})
    body = json.loads(event_body(event))

    assert "cases" not in body
    assert event_from("evaluated", json.dumps(body)) == event
    assert "cases" not in evaluation_json(event)
    assert evaluation_json(replace(event, cases={"rows": 3}))["cases"] == {"rows": 3}


def test_the_same_facts_have_no_changes(world):
    view = world.gate.open_request(opening(), "ada")

    assert changes_between(view.facts, view.facts) == ()
