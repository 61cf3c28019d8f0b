"""Requests as they were: what deciders were shown, by the rules of then, and nothing of what came later."""

from datetime import timedelta

import pytest

from handrail.approvals.domain.events import Choice
from handrail.approvals.domain.findings import Severity
from handrail.approvals.domain.judging import Verdict
from handrail.approvals.domain.people import Person
from handrail.approvals.domain.policy import Rule
from handrail.approvals.service.findings import Report
from handrail.approvals.service.past import JUST_BEFORE, Past
from handrail.errors import Misconfigured, UnknownReference
from tests.fakes.approvals_rules import FakeRules
from tests.fakes.approvals_world import World


@pytest.fixture
def world():
    world = World()
    world.rules.persons = (*world.rules.persons, Person("Zed", frozenset({"zed"}), frozenset({"ml-engineer"})))
    return world


def _past(world, rules=None):
    return Past(world.ledger, world.ledger, world.findings, lambda _moment: rules or world.rules)


def _decide(world, request_id, account, choice=Choice.APPROVE):
    """Decide as somebody who has looked; return the decision as it is stored."""
    seen = world.gate.request(request_id).seen
    world.gate.decide(request_id, account, choice, "looked at it", seen=seen)
    return world.ledger.load(request_id).said[-1]


def test_the_moment_before_each_decision_has_the_facts_that_it_carries(world):
    request_id = world.ask()
    asked = _decide(world, request_id, "cleo", Choice.ASK)
    world.gate.questions.answer(request_id, "ada", "all of them")
    first, last = _decide(world, request_id, "ben"), _decide(world, request_id, "cleo")
    past = _past(world)

    found = [past.request(request_id, each.at - JUST_BEFORE) for each in (asked, first, last)]

    assert [each.view.seen for each in found] == [asked.seen, first.seen, last.seen]
    assert [each.made for each in found] == [asked, first, last]
    assert found[0].about == (asked,)
    assert found[1].about == found[2].about == (first, last)
    assert asked.seen != first.seen


def test_nothing_of_what_came_later_is_there(world):
    request_id = world.ask()
    early = world.clock()
    finding = world.gate.findings.open(Report("flights", "late for EWR", Severity.HIGH), "ben")
    between = world.clock()
    world.gate.findings.close(finding.opened.finding_id, "cleo", "mended")
    world.say(request_id, "ben")
    world.say(request_id, "cleo")
    past = _past(world)

    then, shut, now = (past.request(request_id, at).view for at in (early, between, world.clock()))

    assert (then.findings, then.history.said, then.judgement.verdict) == ((), (), Verdict.PENDING)
    assert [each.is_open for each in shut.findings] == [True]
    assert any("late for EWR" in reason for reason in shut.judgement.reasons)
    assert now.judgement.verdict is Verdict.PROMOTED
    assert [each.is_open for each in now.findings] == [False]


def test_a_rejection_of_the_same_files_elsewhere_counts_from_its_moment_on(world):
    other = world.ask()
    tree = world.ledger.load(other).request.subject.tree_digest
    world.say(other, "ben", Choice.REJECT)
    rejected_at = world.ledger.load(other).said[-1].at
    world.trees.content["/artifacts/1/2/model"] = {}
    world.register(2)
    world.trees.content["/artifacts/1/2/model"] = dict(world.trees.content["/artifacts/1/1/model"])
    request_id = world.ask(version=2)
    assert world.ledger.load(request_id).request.subject.tree_digest == tree

    found = _past(world).request(request_id, world.clock()).view

    assert [each.at for each in found.rejections] == [rejected_at]
    assert _past(world).request(other, world.clock()).view.rejections == ()


def test_rules_and_persons_are_those_of_then(world):
    request_id = world.ask()
    then = FakeRules()
    then.policies = dict(world.rules.policies)
    world.change_rules(rules=(Rule("evaluation.roc_auc", at_least=0.99),))
    world.rules.persons = ()

    now = _past(world).request(request_id, world.clock())
    found = _past(world, then).request(request_id, world.clock())

    assert [one.failure for one in found.view.measures if one.failure] == []
    assert found.reviewing.of(found.view, "cleo").may_decide
    assert now.view.judgement.verdict is Verdict.REFUSED
    assert not now.reviewing.of(now.view, "cleo").may_decide


def test_rules_of_then_that_cannot_be_read_decide_nothing(world):
    request_id = world.ask()
    world.rules.broken = Misconfigured("champion.yaml", "it is not YAML", "Correct it.")

    view = _past(world).request(request_id, world.clock()).view

    assert (view.judgement.verdict, view.measures) == (Verdict.PENDING, ())


def test_before_it_was_opened_there_is_none(world):
    request_id = world.ask()
    opened_at = world.ledger.load(request_id).request.opened_at

    with pytest.raises(UnknownReference, match="It was opened at"):
        _past(world).request(request_id, opened_at - timedelta(microseconds=1))
    assert _past(world).request(request_id, opened_at).view.history.events == ()


def test_a_decision_without_a_digest_is_about_no_facts(world):
    request_id = world.ask()
    world.say(request_id, "ben")
    said = world.ledger.load(request_id).said[-1]

    found = _past(world).request(request_id, said.at - JUST_BEFORE)

    assert (found.about, found.made) == ((), said)
    assert _past(world).request(request_id, said.at).made is None
