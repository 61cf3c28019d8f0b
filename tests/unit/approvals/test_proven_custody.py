"""Confirmations behind a keeper: it stores those that somebody may give, and measures by its own book."""

import io
from dataclasses import replace
from datetime import timedelta

import pytest

from handrail.approvals.domain.people import Person
from handrail.approvals.domain.row_custody import RowsConfirmed
from handrail.approvals.service.proven_custody import ProvenSnapshotBook
from handrail.approvals.service.witnessed import WitnessedEvaluator
from handrail.errors import Refused, UnknownReference
from tests.fakes.approvals import PEOPLE
from tests.fakes.approvals_evidence import PLAN
from tests.fakes.approvals_world import World

DORA = Person("Dora", frozenset({"dora"}), frozenset({"data-engineer"}))


@pytest.fixture
def world():
    world = World()
    world.plans.plans["flights"] = replace(PLAN, custody=("data-engineer",))
    world.rules.persons = (*PEOPLE, DORA)
    world.trees.content["/artifacts/1/1/model"] |= {"scoring.json": b"{}", "onnx/model.onnx": b"network"}
    return world


@pytest.fixture
def snapshot(world):
    return world.snapshots.keep(io.BytesIO(b"PAR1 rows PAR1"), "flights", "ada", world.clock())


@pytest.fixture
def book(world):
    return ProvenSnapshotBook(world.book, world.custody)


def test_an_honest_confirmation_is_stored(world, book, snapshot):
    said = RowsConfirmed(snapshot, "flights", "dora", "Dora", world.clock())
    book.confirm(said)

    assert book.confirmations(snapshot) == [said]
    assert [row.account for row in book.handed_in("flights")] == ["ada"]


@pytest.mark.parametrize(
    "changed",
    [
        {"account": "ada", "person": "Ada"},
        {"account": "ben", "person": "Ben"},
        {"account": "nobody"},
        {"person": "Ben"},
        {"model": "orders"},
        {"digest": "sha256:0"},
        {"at": timedelta(hours=-1)},
        {"at": timedelta(hours=1)},
    ],
)
def test_another_one_is_refused_and_nothing_is_stored(world, book, snapshot, changed):
    said = RowsConfirmed(snapshot, "flights", "dora", "Dora", world.clock())
    if "at" in changed:
        changed = {"at": said.at + changed["at"]}

    with pytest.raises((Refused, UnknownReference)):
        book.confirm(replace(said, **changed))

    assert world.book.said == {}


def test_a_keeper_takes_no_measurement_on_rows_that_nobody_confirmed(world, snapshot):
    keeper = WitnessedEvaluator(world.evaluator, world.custody, world.ledger)
    history = world.ledger.load(world.ask(snapshot=snapshot))
    world.evaluations._ports = replace(world.evaluations._ports, evaluator=keeper)
    world.book.confirm(RowsConfirmed(snapshot, "flights", "dora", "Dora", world.clock()))
    measured = world.evaluations.evaluate(history.request.request_id).evaluated
    assert keeper.why_not_measured(history, measured) is None

    assert keeper.why_not_measured(history, replace(measured, confirmed=None)) is not None
    assert keeper.why_not_measured(history, replace(measured, confirmed=("Eve",))) is not None
    world.book.said.clear()
    assert "wait for the confirmation" in keeper.why_not_measured(history, measured)
