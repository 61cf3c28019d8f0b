"""Labelled rows as people look at them."""

import io
from dataclasses import replace

import pytest

from handrail.approvals.domain.errors import StillReading
from handrail.errors import Refused, UnknownReference
from tests.fakes.approvals_evidence import PLAN
from tests.fakes.approvals_world import World


@pytest.fixture
def world():
    world = World()
    world.plans.plans["flights"] = replace(PLAN, custody=("ml-engineer",))
    return world


def _hand_in(world, rows=b"rows", model="flights", account="ada"):
    return world.snapshots.keep(io.BytesIO(b"PAR1" + rows + b"PAR1"), model, account, world.clock())


def test_snapshots_are_listed_once_each_for_their_model(world):
    first, second = _hand_in(world), _hand_in(world, b"more")
    _hand_in(world, account="cleo")
    _hand_in(world, b"other", "orders")

    listed = world.gate.snapshots.listed("flights")

    assert [view.digest for view in listed] == [first, second]
    assert [row.account for row in listed[0].handed_in] == ["ada", "cleo"]
    assert world.evaluator.described == 0


def test_a_snapshot_is_shown_with_what_it_holds_and_who_could_confirm(world):
    digest = _hand_in(world)

    shown = world.gate.snapshots.shown("flights", digest).to_json()

    assert (shown["snapshot"], shown["model"]) == (digest, "flights")
    assert shown["rows"]["rows"] == 1000
    assert shown["rows"]["label"] == {"0": 0.8, "1": 0.2}
    assert (shown["custody"], shown["could_confirm"], shown["confirmed"]) == (["ml-engineer"], ["Ben"], [])
    assert shown["problem"] is None


def test_what_a_snapshot_holds_is_looked_at_once(world):
    digest = _hand_in(world)
    for _ in range(3):
        world.gate.snapshots.shown("flights", digest)

    assert world.evaluator.described == 1


def test_rows_on_which_nothing_can_be_measured_say_why_and_are_looked_at_again(world):
    digest = _hand_in(world)
    world.evaluator.fail_with = Refused("The evaluation", ("It has no single column 'late'.",))

    shown = world.gate.snapshots.shown("flights", digest)

    assert "no single column 'late'" in shown.problem
    assert shown.described is None
    world.evaluator.fail_with = None
    assert world.gate.snapshots.shown("flights", digest).described


def test_a_model_without_a_plan_shows_its_rows_without_what_they_hold(world):
    digest = _hand_in(world)
    world.plans.plans.clear()

    assert "no model to measure" in world.gate.snapshots.shown("flights", digest).problem


def test_a_look_that_takes_long_is_repeated_by_the_caller(world):
    digest = _hand_in(world)
    world.readings.is_slow = True

    with pytest.raises(StillReading):
        world.gate.snapshots.shown("flights", digest)


def test_rows_of_another_model_are_not_shown(world):
    digest = _hand_in(world, model="orders")

    with pytest.raises(UnknownReference, match="no snapshot named"):
        world.gate.snapshots.shown("flights", digest)


def test_models_with_rows_are_listed_once(world):
    _hand_in(world)
    _hand_in(world, b"more")
    _hand_in(world, b"other", "orders")

    assert world.gate.snapshots.models() == ("flights", "orders")


def test_who_may_not_confirm_reads_why_and_who_has_confirmed_that_they_have(world):
    digest = _hand_in(world)
    desk = world.gate.snapshots
    asked = {account: desk.why_not("flights", digest, account) for account in ("ada", "cleo", "nobody", "ben")}

    desk.confirm("flights", digest, "ben")

    assert asked["ben"] is None
    assert "handed them in" in asked["ada"]
    assert "holds none of the roles that confirm labelled rows" in asked["cleo"]
    assert "belongs to nobody" in asked["nobody"]
    assert (
        desk.why_not("flights", digest, "ben") == desk.why_not("flights", digest, "ben-2") == "Ben has confirmed them."
    )
    with pytest.raises(UnknownReference):
        desk.why_not("orders", digest, "ben")
