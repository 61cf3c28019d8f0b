"""What the gate does with a request that names labelled rows: it waits, is measured outside the call, and is judged."""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handrail.approvals.domain.errors import UnderEvaluation
from handrail.approvals.domain.events import Choice
from handrail.approvals.domain.evidence import Level
from handrail.approvals.domain.judging import Verdict
from handrail.approvals.domain.policy import Rule
from handrail.errors import Refused, UnknownReference
from tests.fakes.approvals import EVIDENCE
from tests.fakes.approvals_world import World
from tests.fakes.effort import TIMES, tried

RULES = (
    Rule("evaluation.roc_auc", at_least=0.74, level=Level.RECOMPUTED),
    Rule("parity.labels_differ", equals=0),
    Rule("comparison.ci_low", at_least=-0.005, if_replacing=True, level=Level.RECOMPUTED),
)
SCORING = b"{}"
TREE = "/artifacts/1/1/model"


@pytest.fixture
def world():
    return _world()


def _world(quality=0.76):
    world = World()
    world.change_rules(rules=RULES)
    _package(world, 1, quality)
    return world


def _package(world, version, quality):
    """Give a registered version the files that are scored, and the quality that the evaluator will find."""
    candidate = world.register(version) if version > 1 else world.registry.versions["flights", 1]
    network = b"network %d" % version
    world.trees.content[candidate.tree] |= {"scoring.json": SCORING, "onnx/model.onnx": network}
    world.evaluator.quality[network] = quality
    return candidate


def _hand_in(world, rows=b"rows", account="ada"):
    return world.snapshots.keep(io.BytesIO(b"PAR1" + rows + b"PAR1"), "flights", account, world.clock())


def _measured(world, **changes):
    request_id = world.ask(**changes)
    world.evaluations.evaluate(request_id)
    return world.gate.request(request_id)


def test_a_request_waits_until_it_is_measured_and_nobody_decides_before(world):
    request_id = world.ask(snapshot=_hand_in(world))

    assert world.gate.request(request_id).judgement.verdict is Verdict.EVALUATING
    assert world.waiting == [request_id]
    for choice in Choice:
        with pytest.raises(UnderEvaluation, match="being evaluated"):
            world.gate.decide(request_id, "ben", choice, "quick")
    world.evaluations.evaluate(request_id)

    assert world.gate.request(request_id).judgement.verdict is Verdict.PENDING
    world.say(request_id, "ben")
    assert world.say(request_id, "cleo") is Verdict.PROMOTED


def test_a_waiting_request_is_open_and_is_found_after_a_restart(world):
    request_id = world.ask(snapshot=_hand_in(world))
    world.restart()

    assert [view.history.request.request_id for view in world.gate.requests(only_open=True)] == [request_id]
    assert world.evaluations.waiting() == [request_id]
    world.evaluations.evaluate(request_id)
    assert world.evaluations.waiting() == []


def test_measuring_twice_changes_nothing(world):
    request_id = world.ask(snapshot=_hand_in(world))

    first, again = world.evaluations.evaluate(request_id), world.evaluations.evaluate(request_id)

    assert first == again
    assert len(world.evaluator.asked) == 1


def test_a_forged_number_is_refused_with_and_without_a_snapshot():
    world = _world(quality=0.67)
    claimed = EVIDENCE | {"evaluation": {"roc_auc": 0.80}}

    without = world.gate.request(world.ask(evidence=claimed)).judgement
    seen = _measured(world, evidence=claimed, snapshot=_hand_in(world)).judgement

    assert without.verdict is seen.verdict is Verdict.REFUSED
    assert without.reasons == ("evaluation.roc_auc is 0.8, claimed by ada; the policy wants it recomputed.",)
    assert seen.reasons == (
        "evaluation.roc_auc is 0.67, recomputed by the gate; the policy wants at least 0.74. 0.8 was claimed by ada.",
    )


def test_the_incumbent_of_the_served_name_is_compared_with_whatever_is_sent(world):
    snapshot = _hand_in(world)
    first = world.ask(snapshot=snapshot)
    world.evaluations.evaluate(first)
    world.say(first, "ben")
    world.say(first, "cleo")
    _package(world, 2, 0.745)
    forged = EVIDENCE | {"comparison": {"ci_low": 0.5, "incumbent": "sha256:" + "0" * 64}}

    view = _measured(world, version="2", evidence=forged, snapshot=snapshot)

    assert world.evaluator.asked[-1].incumbent.network == b"network 1"
    assert view.history.evaluated.measures["comparison"]["incumbent"] == world.trees.manifest(TREE).digest
    assert view.judgement.verdict is Verdict.REFUSED
    assert view.judgement.reasons[0].startswith("comparison.ci_low is -0.015, recomputed by the gate")


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda world: world.plans.plans.clear(), "no model to measure named 'flights'"),
        (lambda world: setattr(world.evaluator, "fail_with", Refused("The evaluation", ("It hung.",))), "It hung."),
        (lambda world: world.copies.kept.clear(), "It is not kept"),
        (lambda world: world.snapshots.kept.clear(), "no snapshot named"),
    ],
)
def test_what_cannot_be_measured_is_refused_with_a_sentence_and_can_be_asked_again(world, spoil, words):
    request_id = world.ask(snapshot=_hand_in(world))
    spoil(world)

    world.evaluations.evaluate(request_id)

    judgement = world.gate.request(request_id).judgement
    assert judgement.verdict is Verdict.REFUSED
    assert judgement.reasons[0].startswith("It could not be measured: ")
    assert words in judgement.reasons[0]


def test_after_a_failure_the_same_question_is_measured_anew(world):
    snapshot = _hand_in(world)
    world.evaluator.fail_with = Refused("The evaluation", ("It hung.",))
    failed = world.ask(snapshot=snapshot)
    world.evaluations.evaluate(failed)
    world.evaluator.fail_with = None

    again = _measured(world, snapshot=snapshot)

    assert again.history.request.request_id != failed
    assert again.judgement.verdict is Verdict.PENDING


def test_a_tree_without_an_onnx_model_is_refused_by_the_name_of_the_file():
    world = World()
    world.change_rules(rules=RULES)

    view = _measured(world, snapshot=_hand_in(world))

    assert "It has no scoring.json" in view.judgement.reasons[0]


def test_looks_at_one_snapshot_are_counted_by_tree_and_budgeted(world):
    snapshot = _hand_in(world)
    for version in (2, 3, 4):
        _package(world, version, 0.8)
    verdicts = [_measured(world, version=str(version), snapshot=snapshot).judgement.verdict for version in (1, 2, 3, 4)]

    assert verdicts == [Verdict.PENDING] * 3 + [Verdict.REFUSED]
    # Newer rows, and a tree that was looked at before, are no new look.
    assert _measured(world, version="4", snapshot=_hand_in(world, b"newer")).judgement.verdict is Verdict.PENDING
    more = EVIDENCE | {"more": {}}
    assert _measured(world, version="1", evidence=more, snapshot=snapshot).judgement.verdict is Verdict.PENDING


def test_who_handed_in_the_rows_is_an_author(world):
    snapshot = _hand_in(world, account="ben")

    view = _measured(world, snapshot=snapshot)

    assert view.history.request.authors == ("ada", "ben")
    with pytest.raises(Refused, match="Ben made the candidate"):
        world.say(view.history.request.request_id, "ben")


def test_a_snapshot_that_nobody_handed_in_is_named(world):
    with pytest.raises(UnknownReference, match="no snapshot named 'sha256:00'"):
        world.ask(snapshot="sha256:00")


def test_another_snapshot_is_another_request(world):
    first, second = (world.ask(snapshot=_hand_in(world, rows)) for rows in (b"1", b"2"))

    assert first != second


def test_a_request_that_became_void_is_not_measured(world):
    request_id = world.ask(snapshot=_hand_in(world))
    world.registry.aliases["flights", "champion"] = 7
    with pytest.raises(Refused):
        world.say(request_id, "ben")

    world.evaluations.evaluate(request_id)

    assert world.evaluator.asked == []
    assert world.evaluations.waiting() == []


def test_the_permit_says_at_which_level_each_rule_was_met(world):
    request_id = world.ask(snapshot=_hand_in(world))
    world.evaluations.evaluate(request_id)
    world.say(request_id, "ben")
    world.say(request_id, "cleo")

    intent = next(event for event in world.ledger.load(request_id).events if hasattr(event, "statement"))
    rows = {row["measure"]: (row["level"], row["by"]) for row in intent.statement["predicate"]["measures"]}
    assert rows == {
        "evaluation.roc_auc": ("recomputed", "the gate"),
        "parity.labels_differ": ("claimed", "ada"),
    }


def test_a_rejection_binds_the_files_and_is_shown_on_every_later_request_for_them(world):
    snapshot = _hand_in(world)
    first = world.ask(snapshot=snapshot)
    world.evaluations.evaluate(first)
    world.say(first, "cleo", Choice.REJECT)
    again = world.ask(snapshot=snapshot, evidence=EVIDENCE | {"more": {}})
    copy = world.register(2)
    world.trees.content[copy.tree] = dict(world.trees.content[TREE])

    shown = [world.gate.request(again), world.gate.request(world.ask(version="2"))]
    shown += [view for view in world.gate.requests() if view.history.request.request_id == again]

    for view in shown:
        assert [one.request_id for one in view.rejections] == [first]
        assert view.to_json()["reasons"][-1].endswith(f"in {first}: 'looked at it'")
    assert world.gate.request(first).rejections == ()


forged_number = st.floats(allow_nan=False, allow_infinity=False, width=32) | st.integers(-5, 5)
names = st.sampled_from(["roc_auc", "roc_auc_low", "rows", "ci_low", "delta", "incumbent", "level", "by", "recomputed"])
forgery = st.dictionaries(
    st.sampled_from(["evaluation", "comparison", "parity", "recomputed", "the-gate"]),
    st.dictionaries(names, forged_number | st.just("recomputed"), max_size=4),
    max_size=4,
)


@given(evidence=forgery, quality=st.floats(0.5, 0.73), measured=st.booleans(), replacing=st.booleans())
@tried(1000 if TIMES == 1 else 200)
def test_no_forged_evidence_is_accepted_for_a_model_that_is_too_weak(evidence, quality, measured, replacing):
    world = _world(quality)
    if replacing:
        champion = _package(world, 2, 0.8)
        world.registry.aliases["flights", "champion"] = champion.version
    sent = evidence | {"evaluation": {"roc_auc": 0.8} | evidence.get("evaluation", {})}

    view = _measured(world, evidence=sent, snapshot=_hand_in(world) if measured else None)

    assert view.judgement.verdict is Verdict.REFUSED
