"""What every pointer log promises: a row a move, and what a name pointed at then."""

from contextlib import nullcontext
from datetime import UTC, datetime, timedelta

import pytest

from handrail.lineage.adapters.sql.pointers import SqlPointers
from handrail.lineage.domain.graph import Pointer
from tests.fakes.lineage import PointersInMemory
from tests.fakes.lineage_stores import KINDS, an_empty_store

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
FIRST = Pointer("flights@champion", "mlflow://s/registered/flights/1/1", NOON, "actor://s/ann")
SECOND = Pointer("flights@champion", "mlflow://s/registered/flights/1/2", NOON + timedelta(hours=1), "actor://s/bob")
GONE = Pointer("flights@champion", None, NOON + timedelta(hours=2), "actor://s/bob")


@pytest.fixture(params=["memory", *KINDS])
def pointers(request):
    opened = nullcontext() if request.param == "memory" else an_empty_store(request.param)
    with opened as store:
        yield SqlPointers(store) if store else PointersInMemory()


@pytest.mark.parametrize("order", [(FIRST, SECOND, GONE), (GONE, FIRST, SECOND, FIRST)])
def test_a_name_answers_as_of_any_moment_whatever_the_order_of_arrival(pointers, order):
    for row in order:
        pointers.add(row)

    assert pointers.at("flights@champion", NOON - timedelta(microseconds=1)) is None
    assert pointers.at("flights@champion", NOON) == FIRST
    assert pointers.at("flights@champion", NOON + timedelta(minutes=90)) == SECOND
    assert pointers.at("flights@champion", NOON + timedelta(days=9)) == GONE
    assert pointers.history("flights@champion") == (FIRST, SECOND, GONE)


def test_of_two_moves_at_one_moment_the_same_one_wins_in_any_order(pointers):
    rival = Pointer("flights@champion", "mlflow://s/registered/flights/1/9", NOON, "actor://s/ann")

    for row in (rival, FIRST):
        pointers.add(row)

    assert pointers.at("flights@champion", NOON) == rival


def test_another_name_is_another_story(pointers):
    pointers.add(FIRST)

    assert pointers.at("flights@challenger", NOON) is None
    assert pointers.history("flights@challenger") == ()


def test_names_come_once_each_in_order(pointers):
    for row in (SECOND, FIRST, Pointer("a", None, NOON, "actor://s/ann")):
        pointers.add(row)

    assert pointers.names() == ("a", "flights@champion")


def test_the_names_that_ever_pointed_at_a_thing_are_found(pointers):
    for row in (SECOND, FIRST, GONE, Pointer("a", FIRST.target, NOON, "actor://s/ann")):
        pointers.add(row)

    assert pointers.names(FIRST.target) == ("a", "flights@champion")
    assert pointers.names(SECOND.target) == ("flights@champion",)
    assert pointers.names("mlflow://s/registered/flights/1/3") == ()
