"""Predictions from before their outcome: bound to a version's files, and a level of their own for what they show."""

import io
from dataclasses import replace

import pytest

from handrail.approvals.domain.errors import StillReading
from handrail.approvals.domain.evaluation import Prospective
from handrail.approvals.domain.evidence import Level
from handrail.approvals.domain.judging import Verdict
from handrail.approvals.domain.policy import Rule
from handrail.approvals.service.prediction_desk import PredictionDesk
from handrail.approvals.service.witnessed import WitnessedEvaluator
from handrail.errors import UnknownReference
from tests.fakes.approvals import EVIDENCE
from tests.fakes.approvals_evidence import PLAN
from tests.fakes.approvals_world import World

FILE = b"PAR1 predictions PAR1"


@pytest.fixture
def world():
    world = World()
    world.change_rules(rules=(Rule("prospective.roc_auc", at_least=0.74, level=Level.PROSPECTIVE),))
    world.trees.content["/artifacts/1/1/model"] |= {"scoring.json": b"{}", "onnx/model.onnx": b"network"}
    world.plans.plans["flights"] = replace(PLAN, prospective=Prospective("known_at", 100))
    return world


@pytest.fixture
def desk(world):
    return PredictionDesk(world.predictions, world.registry, world.reader)


def _hand_in(world):
    return world.snapshots.keep(io.BytesIO(b"PAR1 rows PAR1"), "flights", "ada", world.clock())


def _measured(world, snapshot, **changes):
    request_id = world.ask(snapshot=snapshot, **changes)
    world.evaluations.evaluate(request_id)
    return world.gate.request(request_id)


def test_predictions_are_bound_to_the_files_of_the_version(world, desk):
    made = desk.commit(io.BytesIO(FILE), "flights", "1", "ada")

    assert made.said.tree_digest == world.trees.manifest("/artifacts/1/1/model").digest
    assert (made.said.model, made.said.account) == ("flights", "ada")
    with pytest.raises(UnknownReference):
        desk.commit(io.BytesIO(FILE), "flights", "7", "ada")


def test_while_files_are_read_nothing_of_the_content_is(world, desk):
    world.readings.is_slow = True
    content = io.BytesIO(FILE)

    with pytest.raises(StillReading):
        desk.commit(content, "flights", "1", "ada")

    assert content.tell() == 0


def test_what_was_foretold_meets_a_rule_of_that_level(world, desk):
    desk.commit(io.BytesIO(FILE), "flights", "1", "ada")

    view = _measured(world, _hand_in(world))

    assert view.judgement.verdict is Verdict.PENDING
    (measured,) = view.measures
    assert (measured.found.level, measured.found.by) == (Level.PROSPECTIVE, "the gate")


@pytest.mark.parametrize("level", [Level.CLAIMED, Level.RECOMPUTED])
def test_what_was_foretold_does_not_replace_what_was_measured_on_all_rows(world, desk, level):
    world.change_rules(rules=(Rule("evaluation.roc_auc", at_least=0.74, level=level),))
    desk.commit(io.BytesIO(FILE), "flights", "1", "ada")

    (measured,) = _measured(world, _hand_in(world)).measures

    assert measured.found.level is Level.RECOMPUTED


def test_predictions_that_came_after_the_rows_are_not_looked_at(world, desk):
    snapshot = _hand_in(world)
    desk.commit(io.BytesIO(FILE), "flights", "1", "ada")

    view = _measured(world, snapshot)

    assert world.evaluator.asked[-1].foretold.files == ()
    assert view.judgement.verdict is Verdict.REFUSED
    assert view.judgement.reasons[0].startswith("prospective.roc_auc is not in the evidence")
    # Who hands the same rows in once more makes them no younger.
    world.snapshots.keep(io.BytesIO(b"PAR1 rows PAR1"), "flights", "ben", world.clock())
    _measured(world, snapshot, evidence=EVIDENCE | {"more": {}})
    assert world.evaluator.asked[-1].foretold.files == ()


def test_predictions_of_another_version_are_not_looked_at(world, desk):
    world.register(2)
    desk.commit(io.BytesIO(FILE), "flights", "2", "ada")

    _measured(world, _hand_in(world))

    assert world.evaluator.asked[-1].foretold.files == ()


def test_a_claim_of_that_name_stays_a_claim(world):
    view = _measured(world, _hand_in(world), evidence=EVIDENCE | {"prospective": {"roc_auc": 0.9}})

    assert view.judgement.reasons == ("prospective.roc_auc is 0.9, claimed by ada; the policy wants it prospective.",)


def test_without_prospective_in_the_plan_nothing_of_it_is_measured(world, desk):
    world.plans.plans["flights"] = PLAN
    desk.commit(io.BytesIO(FILE), "flights", "1", "ada")

    view = _measured(world, _hand_in(world))

    assert world.evaluator.asked[-1].foretold is None
    assert "prospective" not in view.history.evaluated.measures


def test_a_keeper_looks_at_its_own_commitments_and_at_no_other_tree(world, desk):
    keeper = WitnessedEvaluator(world.evaluator, world.custody, world.ledger)
    desk.commit(io.BytesIO(FILE), "flights", "1", "ada")
    snapshot = _hand_in(world)
    history = world.ledger.load(world.ask(snapshot=snapshot))
    world.evaluations._ports = replace(world.evaluations._ports, evaluator=keeper)
    outcome = world.evaluations.evaluate(history.request.request_id).evaluated
    assert keeper.why_not_measured(history, outcome) is None
    forged = dict(outcome.measures) | {"prospective": {"roc_auc": 0.99}}
    assert keeper.why_not_measured(history, replace(outcome, measures=forged)) is not None

    other = WitnessedEvaluator(world.evaluator, world.custody, world.ledger)
    other.evaluate(replace(world.evaluator.asked[-1], foretold=None, tree_digest="sha256:other"))

    assert "of another tree" in other.why_not_measured(history, outcome)
