"""Circles in random graphs, told in random batches: networkx decides on its own which batches have to be refused."""

from __future__ import annotations

import networkx as nx
import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from handrail.lineage.adapters.sql import circles
from handrail.lineage.adapters.sql.events import SqlEvents
from handrail.lineage.adapters.sql.graph import SqlGraph
from handrail.lineage.adapters.sql.tables import edge
from handrail.lineage.domain.errors import CycleRefused
from handrail.lineage.domain.facts import Facts, describe_derivation
from handrail.lineage.domain.names import artifact_at
from tests.fakes.effort import tried
from tests.fakes.lineage_events import a_dataset, a_run_event, read
from tests.fakes.lineage_stores import KINDS, an_empty_store, clear, dump

SIZE = 9
BOT = "actor://service/airflow"
numbers = st.integers(0, SIZE)
batches = st.lists(st.lists(st.tuples(numbers, numbers), min_size=1, max_size=6), min_size=1, max_size=8)


@pytest.fixture(scope="module", params=KINDS)
def store(request):
    with an_empty_store(request.param) as opened:
        yield opened


@pytest.fixture(params=[1, circles.FIRST_BUDGET])
def budget(request, monkeypatch):
    """A small budget has the closures of both sides read in turn."""
    monkeypatch.setattr(circles, "FIRST_BUDGET", request.param)


def uri(number):
    return f"dvc://shop/a{number}"


def told(pairs):
    return Facts.union(
        describe_derivation(artifact_at(uri(effect)), artifact_at(uri(cause)), "dvc") for effect, cause in pairs
    )


def refused(call, *arguments):
    """Return the circle that a call was refused for."""
    try:
        call(*arguments)
    except CycleRefused as refusal:
        return refusal.edges
    return None


@tried(40)
@given(batches=batches)
def test_exactly_the_batches_that_close_a_circle_are_refused_and_the_circle_is_named(store, budget, batches):
    clear(store)
    held = nx.DiGraph()
    for pairs in batches:
        wanted = nx.DiGraph([*held.edges, *((uri(effect), uri(cause)) for effect, cause in pairs)])
        before = dump(store)

        circle = refused(SqlGraph(store).record, told(pairs))

        assert (circle is None) == nx.is_directed_acyclic_graph(wanted)
        if circle is None:
            held = wanted
        else:
            assert dump(store) == before
            named = [tuple(sentence.split(" was derived from ")) for sentence in circle]
            assert set(named) <= set(wanted.edges)
            assert set(named) - set(held.edges), "an edge of this batch closes it"
            assert [effect for effect, _ in named] == [cause for _, cause in (*named[1:], named[0])], "it is closed"
    with store.read() as connection:
        assert len(connection.execute(sa.select(edge)).all()) == held.number_of_edges()


@st.composite
def runs(draw):
    """Runs with their own numbers, which read and write datasets without a version: most of them make circles."""
    some = st.lists(st.integers(0, 5), max_size=2, unique=True)
    return [(number, draw(some), draw(some)) for number in range(draw(st.integers(1, 8)))]


@tried(40)
@given(runs=runs(), size=st.integers(1, 4))
def test_a_batch_of_events_is_refused_exactly_if_it_closes_a_circle(store, budget, runs, size):
    clear(store)
    held = nx.DiGraph()
    for start in range(0, len(runs), size):
        batch = runs[start : start + size]
        wanted = held.copy()
        for number, used, made in batch:
            wanted.add_edges_from([(f"run {number}", f"data {each}") for each in used])
            wanted.add_edges_from([(f"data {each}", f"run {number}") for each in made])
        events = [
            read(
                a_run_event(
                    number, inputs=[a_dataset(f"d{n}") for n in used], outputs=[a_dataset(f"d{n}") for n in made]
                )
            )
            for number, used, made in batch
        ]

        circle = refused(SqlEvents(store).add, events, BOT, ())

        assert (circle is None) == nx.is_directed_acyclic_graph(wanted)
        held = wanted if circle is None else held


def test_jobs_that_run_daily_over_the_same_datasets_are_taken_and_a_job_against_them_is_refused(store, budget):
    clear(store)
    steps = [("raw", "clean"), ("clean", "report")]

    def day(number):
        return [
            read(a_run_event(10 * number + place, inputs=[a_dataset(one)], outputs=[a_dataset(other)]))
            for place, (one, other) in enumerate(steps)
        ]

    for number in range(1, 6):
        assert refused(SqlEvents(store).add, day(number), BOT, ()) is None
        for event in day(number + 10):
            assert refused(SqlEvents(store).add, [event], BOT, ()) is None
    back = read(a_run_event(1, inputs=[a_dataset("report")], outputs=[a_dataset("raw")]))

    assert len(refused(SqlEvents(store).add, [*day(30), back], BOT, ())) == 6


def test_a_late_statement_is_taken_and_a_late_circle_refused_below_very_many_effects(store, budget):
    clear(store)
    leaves = 3_000
    SqlGraph(store).record(told([(leaf, 0) for leaf in range(1, leaves)]))

    SqlGraph(store).record(told([(0, leaves), (leaves, leaves + 1)]))
    circle = refused(SqlGraph(store).record, told([(leaves, leaves - 1), (leaves + 2, 5)]))

    assert circle == (
        f"{uri(leaves)} was derived from {uri(leaves - 1)}",
        f"{uri(0)} was derived from {uri(leaves)}",
        f"{uri(leaves - 1)} was derived from {uri(0)}",
    )
