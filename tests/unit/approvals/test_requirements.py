"""What a policy requires by one word."""

import json

import pytest

from handrail.approvals.domain.evidence import Level
from handrail.approvals.domain.judging import Verdict
from handrail.approvals.domain.policy import Rule
from handrail.approvals.domain.requirements import reproduction_rules
from handrail.approvals.service import RunFile
from tests.fakes.approvals_world import World

AT = RunFile("run-1", "reports/reproduction.json")


@pytest.fixture
def world():
    world = World()
    world.change_rules(rules=reproduction_rules(Level.BOUND))
    world.provenance.record("path", "/artifacts/run-1/reports", "ada")
    return world


def _tree(world, version=1):
    return world.trees.manifest(f"/artifacts/1/{version}/model").digest


def _report(world, **changes):
    return {"tree_digest": _tree(world), "equal": 9, "unequal": 0, "verdict": "reproduced"} | changes


def _ask(world, report):
    world.files.files[AT.run_id, AT.path] = json.dumps(report).encode()
    return world.gate.request(world.ask(evidence={}, files={"reproduction": AT}))


def test_an_equal_reproduction_of_these_files_is_enough(world):
    view = _ask(world, _report(world))

    assert view.judgement.verdict is Verdict.PENDING
    assert [(one.rule.measure, one.found.source) for one in view.measures] == [
        ("reproduction.tree_digest", "bound by ada"),
        ("reproduction.equal", "bound by ada"),
        ("reproduction.unequal", "bound by ada"),
    ]


@pytest.mark.parametrize(("name", "value"), [("unequal", 1), ("equal", 0), ("unequal", None), ("unequal", False)])
def test_anything_else_refuses(world, name, value):
    view = _ask(world, _report(world, **{name: value}))

    assert view.judgement.verdict is Verdict.REFUSED
    assert [one.rule.measure for one in view.measures if one.failure] == [f"reproduction.{name}"]


def test_a_report_that_is_only_sent_is_the_authors_word(world):
    view = world.gate.request(world.ask(evidence={"reproduction": _report(world)}))

    assert view.judgement.verdict is Verdict.REFUSED
    assert "claimed by ada; the policy wants it bound" in view.judgement.reasons[0]


def test_a_claimed_report_about_other_files_is_refused_where_a_claim_is_enough(world):
    world.change_rules(rules=reproduction_rules(Level.CLAIMED))
    world.register(2)

    mine = world.gate.request(world.ask(evidence={"reproduction": _report(world)}))
    other = world.gate.request(world.ask(evidence={"reproduction": _report(world, tree_digest=_tree(world, 2))}))

    assert mine.judgement.verdict is Verdict.PENDING
    assert other.judgement.verdict is Verdict.REFUSED
    assert f"the files of the version are {_tree(world)}" in other.judgement.reasons[0]


def test_a_policy_that_names_no_candidate_keeps_its_digest():
    assert "is_candidate" not in Rule("a.b", at_most=1).to_json()
    assert Rule("a.b", is_candidate=True).to_json()["is_candidate"] is True
