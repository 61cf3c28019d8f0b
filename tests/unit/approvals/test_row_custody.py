"""Labelled rows that need the word of a second person: who may give it, and what waits for it."""

import io
from dataclasses import replace

import pytest

from handrail.approvals.domain.errors import NotEligible, UnderEvaluation
from handrail.approvals.domain.evidence import Level
from handrail.approvals.domain.judging import Verdict
from handrail.approvals.domain.people import Person, Service
from handrail.approvals.domain.policy import Rule
from handrail.approvals.domain.row_custody import CustodyRule, RowsConfirmed
from handrail.errors import Refused, UnknownReference
from tests.fakes.approvals import PEOPLE
from tests.fakes.approvals_evidence import PLAN
from tests.fakes.approvals_world import World

DORA = Person("Dora", frozenset({"dora", "dora-2"}), frozenset({"data-engineer"}))
EMIL = Person("Emil", frozenset({"emil"}), frozenset({"data-engineer", "ml-engineer"}))
PIPELINE = Service("nightly", frozenset({"nightly"}), "Dora")


@pytest.fixture
def world():
    world = World()
    world.change_rules(rules=(Rule("evaluation.roc_auc", at_least=0.74, level=Level.RECOMPUTED),))
    world.trees.content["/artifacts/1/1/model"] |= {"scoring.json": b"{}", "onnx/model.onnx": b"network"}
    world.plans.plans["flights"] = replace(PLAN, custody=("data-engineer",))
    world.rules.persons = (*PEOPLE, DORA, EMIL)
    world.rules.services = (PIPELINE,)
    return world


def _hand_in(world, account="ada", model="flights"):
    return world.snapshots.keep(io.BytesIO(b"PAR1 rows PAR1"), model, account, world.clock())


def _look(world, request_id):
    world.evaluations.evaluate(request_id)
    return world.gate.request(request_id)


def test_a_request_about_rows_that_nobody_confirmed_waits_and_names_who_could(world):
    snapshot = _hand_in(world)
    request_id = world.ask(snapshot=snapshot)

    view = _look(world, request_id)

    assert view.judgement.verdict is Verdict.EVALUATING
    assert view.judgement.reasons == (view.waits,)
    assert view.waits == (
        f"The labelled rows {snapshot}, which ada handed in, wait for the confirmation of another person: Dora, Emil "
        "could, with 'handrail approvals snapshots confirm'."
    )
    assert view.is_open
    assert world.waiting == []
    assert world.evaluator.asked == []
    with pytest.raises(UnderEvaluation, match="wait for the confirmation of another person: Dora"):
        world.say(request_id, "ben")


def test_once_somebody_confirmed_it_is_measured_and_says_who(world):
    snapshot = _hand_in(world)
    request_id = world.ask(snapshot=snapshot)

    view = world.gate.snapshots.confirm("flights", snapshot, "dora")

    assert [each.person for each in view.confirmed] == ["Dora"]
    assert world.waiting == [request_id]
    measured = _look(world, request_id)
    assert measured.judgement.verdict is Verdict.PENDING
    assert measured.history.evaluated.confirmed == ("Dora",)
    assert measured.to_json()["evaluation"]["confirmed"] == ["Dora"]
    assert measured.waits is None
    world.say(request_id, "ben")
    assert world.say(request_id, "cleo") is Verdict.PROMOTED


@pytest.mark.parametrize(
    ("account", "words"),
    [
        ("ada", "Ada handed them in"),
        ("ben", "Ben holds none of the roles that confirm labelled rows here: data-engineer"),
        ("nightly", "services confirm nothing"),
        ("eve", "belongs to nobody"),
        ("DORA", "belongs to nobody"),
    ],
)
def test_who_may_not_confirm_is_refused_with_the_reason(world, account, words):
    world.rules.persons = (replace(PEOPLE[0], roles=frozenset({"data-engineer"})), *PEOPLE[1:], DORA)
    snapshot = _hand_in(world)

    with pytest.raises(NotEligible, match=words):
        world.gate.snapshots.confirm("flights", snapshot, account)

    assert world.book.confirmations(snapshot) == []


@pytest.mark.parametrize("custodian", ["dora", "dora-2", "DORA", "nightly"])
def test_nobody_confirms_what_they_or_their_service_handed_in(world, custodian):
    snapshot = _hand_in(world, custodian)

    with pytest.raises(NotEligible, match="Dora handed them in"):
        world.gate.snapshots.confirm("flights", snapshot, "dora")
    assert world.gate.snapshots.confirm("flights", snapshot, "emil").confirmed


def test_a_confirmation_by_a_maker_of_the_version_counts_not_for_it(world):
    snapshot = _hand_in(world)
    world.provenance.record("run", "run-1", "dora")
    request_id = world.ask(snapshot=snapshot)
    world.gate.snapshots.confirm("flights", snapshot, "dora")

    view = _look(world, request_id)

    assert view.judgement.verdict is Verdict.EVALUATING
    assert "another person: Emil could" in view.waits
    world.gate.snapshots.confirm("flights", snapshot, "emil")
    assert _look(world, request_id).history.evaluated.confirmed == ("Emil",)


def test_a_confirmation_by_who_asks_counts_not(world):
    snapshot = _hand_in(world)
    request_id = world.gate.open_request(_opening(snapshot), "emil").history.request.request_id
    world.gate.snapshots.confirm("flights", snapshot, "emil")

    assert "another person: Dora could" in _look(world, request_id).waits


def _opening(snapshot):
    from tests.fakes.approvals_world import opening

    return opening(snapshot=snapshot)


def test_who_hands_the_same_rows_in_later_confirms_them_no_more(world):
    snapshot = _hand_in(world)
    request_id = world.ask(snapshot=snapshot)
    world.gate.snapshots.confirm("flights", snapshot, "dora")
    _hand_in(world, "dora")

    assert _look(world, request_id).judgement.verdict is Verdict.EVALUATING


@pytest.mark.parametrize(
    "persons",
    [
        (*PEOPLE, replace(DORA, roles=frozenset({"ml-engineer"}))),
        (*PEOPLE, replace(DORA, name="Dora Diaz")),
        PEOPLE,
    ],
    ids=["role", "name", "gone"],
)
def test_a_confirmation_counts_by_the_roles_as_they_stand(world, persons):
    snapshot = _hand_in(world)
    request_id = world.ask(snapshot=snapshot)
    world.gate.snapshots.confirm("flights", snapshot, "dora")
    world.rules.persons = persons

    assert world.gate.request(request_id).waits


def test_where_nobody_is_left_who_could_it_says_so(world):
    world.rules.persons = PEOPLE
    request_id = world.ask(snapshot=_hand_in(world))

    assert world.gate.request(request_id).waits.endswith(
        "and nobody in config/roles.yaml could give it: it needs a free data-engineer."
    )


def test_rows_that_were_handed_in_for_another_model_are_not_confirmed(world):
    snapshot = _hand_in(world, model="orders")

    with pytest.raises(UnknownReference, match="no snapshot named"):
        world.gate.snapshots.confirm("flights", snapshot, "dora")


def test_rows_from_before_models_were_recorded_can_be_confirmed(world):
    snapshot = _hand_in(world, model="")

    assert world.gate.snapshots.confirm("flights", snapshot, "dora").confirmed


def test_a_confirmation_for_another_model_counts_not(world):
    snapshot = _hand_in(world)
    request_id = world.ask(snapshot=snapshot)
    world.book.confirm(RowsConfirmed(snapshot, "orders", "dora", "Dora", world.clock()))

    assert world.gate.request(request_id).waits


def test_without_custody_one_person_is_enough_and_nobody_has_anything_to_confirm(world):
    world.plans.plans["flights"] = PLAN
    snapshot = _hand_in(world)
    request_id = world.ask(snapshot=snapshot)

    with pytest.raises(NotEligible, match="names no 'custody'"):
        world.gate.snapshots.confirm("flights", snapshot, "dora")
    view = _look(world, request_id)
    assert view.judgement.verdict is Verdict.PENDING
    assert view.history.evaluated.confirmed is None
    assert "confirmed" not in view.to_json()["evaluation"]


def test_a_model_that_is_not_measured_waits_for_nobody(world):
    world.plans.plans.clear()
    request_id = world.ask(snapshot=_hand_in(world))

    assert _look(world, request_id).judgement.verdict is Verdict.REFUSED


def test_a_request_that_waits_is_found_after_a_restart_and_measured_once_confirmed(world):
    snapshot = _hand_in(world)
    request_id = world.ask(snapshot=snapshot)
    world.restart()
    assert world.evaluations.waiting() == [request_id]
    world.gate.snapshots.confirm("flights", snapshot, "dora")

    assert _look(world, request_id).judgement.verdict is Verdict.PENDING


@pytest.mark.parametrize("changed", [{"person": "Emil"}, {"person": ""}, {"account": "ada"}, {"digest": "sha256:0"}])
def test_a_confirmation_that_cannot_have_been_given_is_not_taken(world, changed):
    honest = RowsConfirmed(_hand_in(world), "flights", "dora", "Dora", world.clock())
    world.custody.require(honest)

    with pytest.raises((Refused, UnknownReference)):
        world.custody.require(replace(honest, **changed))


def test_persons_who_could_come_in_order_of_name(world):
    rule = CustodyRule(frozenset({"data-engineer"}), frozenset())

    assert [person.name for person in rule.free(world.rules.directory())] == ["Dora", "Emil"]
