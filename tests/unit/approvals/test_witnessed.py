"""Numbers pass for the gate's own only where its own evaluator found them, for these files on its own rows."""

import io
from dataclasses import replace

import pytest

from handrail.approvals.domain.evaluation import Package, Question
from handrail.approvals.domain.events import Evaluated
from handrail.approvals.service import Evaluations
from handrail.approvals.service.evaluations import SCORING
from handrail.approvals.service.witnessed import WitnessedEvaluator
from handrail.errors import UnknownReference
from tests.fakes.approvals_evidence import PLAN
from tests.fakes.approvals_world import World


@pytest.fixture
def world():
    world = World()
    for version in (1, 2):
        world.register(version)
        _package(world, version, 0.70 + version / 100)
    return world


def _package(world, version, quality):
    files = world.trees.content[f"/artifacts/1/{version}/model"]
    files[SCORING] = b"{}"
    world.evaluator.quality[files["onnx/model.onnx"]] = quality


def _witness(world):
    return WitnessedEvaluator(world.evaluator, world.custody, world.ledger)


def _outcome(world, witness, version=1):
    """Return a request that waits, and what the evaluations say of it when they ask the witness."""
    snapshot = world.snapshots.keep(io.BytesIO(b"PAR1 rows PAR1"), "flights", "ada", world.clock())
    history = world.ledger.load(world.ask(version=str(version), snapshot=snapshot))
    asked = replace(world.evaluations._ports, evaluator=witness)
    return history, Evaluations(asked, world.clock)._outcome(history.request)


def test_what_was_measured_here_passes(world):
    witness = _witness(world)

    history, event = _outcome(world, witness)

    assert event.problem is None
    assert witness.why_not_measured(history, event) is None


def test_what_another_measured_does_not_pass(world):
    history, event = _outcome(world, world.evaluator)

    assert "Nothing was measured here" in _witness(world).why_not_measured(history, event)


@pytest.mark.parametrize(
    "changed",
    [
        lambda event: replace(event, measures={"evaluation": {"roc_auc": 0.99}}),
        lambda event: replace(event, measures={**event.measures, "comparison": {"ci_low": 1.0}}),
        lambda event: replace(event, scores="1" * 64),
        lambda event: replace(event, snapshot="sha256:" + "1" * 64),
        lambda event: replace(event, custodians=()),
        lambda event: replace(event, plan="sha256:1"),
        lambda event: replace(event, isolation={"network": "all"}),
        lambda event: replace(event, cases=None),
        lambda event: replace(event, cases={**event.cases, "groups": []}),
    ],
    ids=["numbers", "comparison", "scores", "snapshot", "custodians", "plan", "isolation", "no cases", "groups"],
)
def test_what_says_anything_else_does_not_pass(world, changed):
    witness = _witness(world)
    history, event = _outcome(world, witness)

    assert witness.why_not_measured(history, changed(event))


def test_the_numbers_of_another_candidate_do_not_pass(world):
    witness = _witness(world)
    _, good = _outcome(world, witness, version=2)
    history, _ = _outcome(world, world.evaluator, version=1)

    assert "other files than the candidate's" in witness.why_not_measured(history, good)


def test_a_comparison_is_with_what_was_promoted_last(world):
    world.promote(1)
    witness = _witness(world)

    history, event = _outcome(world, witness, version=2)

    assert witness.why_not_measured(history, event) is None
    assert event.measures["comparison"]["incumbent"] == history.request.incumbent_tree
    weak = Package(b"{}", b"a weak one")
    files = world.trees.content["/artifacts/1/2/model"]
    candidate = Package(files[SCORING], files["onnx/model.onnx"])
    digest = history.request.subject.snapshot
    elsewhere = _witness(world)
    elsewhere.evaluate(Question(PLAN, candidate, weak, "", digest))
    assert "alias points at" in elsewhere.why_not_measured(history, event)
    elsewhere.evaluate(Question(PLAN, candidate, None, "", digest))
    assert elsewhere.why_not_measured(history, event)


def test_plan_and_rows_are_those_that_are_known_here(world):
    snapshot = world.snapshots.keep(io.BytesIO(b"PAR1 rows PAR1"), "flights", "ada", world.clock())
    weaker = replace(PLAN, draws=1, least_rows=1)

    _witness(world).evaluate(Question(weaker, Package(b"{}", b"x"), None, "/elsewhere", snapshot))

    (asked,) = world.evaluator.asked
    assert (asked.plan, asked.snapshot) == (PLAN, world.snapshots.path(snapshot))
    with pytest.raises(UnknownReference):
        _witness(world).evaluate(Question(weaker, Package(b"{}", b"x"), None, "/elsewhere", "sha256:none"))


def test_that_nothing_could_be_measured_passes_and_only_closes(world):
    history, _ = _outcome(world, world.evaluator)
    failed = Evaluated(world.clock(), history.request.subject.snapshot, problem="It was ended.")

    assert _witness(world).why_not_measured(history, failed) is None
