"""Circles in random graphs, recorded in random batches: networkx decides on its own which ones have to be refused."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import pairwise
from uuid import UUID

import networkx as nx
import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from handrail.lineage.adapters.sql import circles
from handrail.lineage.adapters.sql.csr_reach import CsrReach
from handrail.lineage.adapters.sql.events import SqlEvents
from handrail.lineage.adapters.sql.graph import SqlGraph
from handrail.lineage.adapters.sql.tables import attribute, edge, node
from handrail.lineage.domain.contents import End, EventContent
from handrail.lineage.domain.errors import CycleRefused
from handrail.lineage.domain.events import LineageEvent
from handrail.lineage.domain.facts import LEFT_OUT, Facts, NodeFact, describe_derivation
from handrail.lineage.domain.graph import Direction
from handrail.lineage.domain.names import artifact_at
from handrail.lineage.domain.vocabulary import Role, Verb
from tests.fakes.effort import tried
from tests.fakes.lineage_events import a_dataset, a_run_event, read
from tests.fakes.lineage_stores import KINDS, an_empty_store, clear, dump

pytestmark = pytest.mark.any_version

SIZE = 9
BOT = "actor://service/airflow"
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
numbers = st.integers(0, SIZE)
batches = st.lists(st.lists(st.tuples(numbers, numbers), min_size=1, max_size=6), min_size=1, max_size=8)


@pytest.fixture(scope="module", params=KINDS)
def store(request):
    with an_empty_store(request.param) as opened:
        yield opened


@pytest.fixture(params=[(1, circles.MAX_STEPS), (circles.FIRST_BUDGET, circles.MAX_STEPS), (1, 2)], ids=str)
def budget(request, monkeypatch):
    """A small budget has the closures of both sides read in turn; few steps cut the search over new nodes short."""
    first, steps = request.param
    monkeypatch.setattr(circles, "FIRST_BUDGET", first)
    monkeypatch.setattr(circles, "MAX_STEPS", steps)


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
def test_of_events_exactly_the_reads_that_close_a_circle_are_left_out(store, budget, runs, size):
    clear(store)
    for start in range(0, len(runs), size):
        stored = SqlEvents(store).add([an_event(*run) for run in runs[start : start + size]], BOT, ())
        assert len(stored.new) == len(runs[start : start + size])

    held, left_out = edges_of(store), left_out_of(store)
    assert nx.is_directed_acyclic_graph(held)
    stated = {(f"run {n}", f"data {each}") for n, used, _ in runs for each in used}
    stated |= {(f"data {each}", f"run {n}") for n, _, made in runs for each in made}
    assert set(held.edges) | left_out == stated
    for effect, cause in left_out:
        assert effect.startswith("run "), "what was made stays"
        assert nx.has_path(held, cause, effect), f"{effect} -> {cause} closes no circle"


@tried(40)
@given(run=runs(), order=st.randoms(), data=st.data())
def test_the_order_of_the_events_of_one_run_changes_nothing(store, budget, run, order, data):
    clear(store)
    events = [an_event(1, used, made, f"2026-11-23T12:{place:02}:00Z") for place, (_, used, made) in enumerate(run)]
    tables = []
    for _ in range(2):
        clear(store)
        size = data.draw(st.integers(1, 3))
        for start in range(0, len(events), size):
            SqlEvents(store).add(events[start : start + size], BOT, ())
        tables.append(dump(store))
        order.shuffle(events)

    assert tables[0] == tables[1]


def an_event(number, used, made, at="2026-11-23T12:00:00Z"):
    ends = [a_dataset(f"d{each}") for each in used], [a_dataset(f"d{each}") for each in made]
    return read(a_run_event(number, inputs=ends[0], outputs=ends[1], eventTime=at))


def named(uri):
    """A run or a dataset by its number."""
    number = uri.rpartition("/")[2]
    return f"run {UUID(number).int}" if uri.startswith("openlineage-run") else f"data {number.removeprefix('d')}"


def edges_of(store):
    with store.read() as connection:
        uris = dict(connection.execute(sa.select(node.c.id, node.c.uri)).all())
        pairs = connection.execute(sa.select(edge.c.effect, edge.c.cause).where(edge.c.verb != Verb.ASSOCIATED_WITH))
        return nx.DiGraph([(named(uris[effect]), named(uris[cause])) for effect, cause in pairs])


def left_out_of(store):
    with store.read() as connection:
        query = sa.select(node.c.uri, attribute.c.value).where(attribute.c.node == node.c.id)
        rows = connection.execute(query.where(attribute.c.name == LEFT_OUT)).all()
    return {(named(uri), named(value.removeprefix("used "))) for uri, value in rows}


def test_jobs_that_run_daily_over_the_same_datasets_are_taken_whole_and_one_against_them_without_its_read(
    store, budget
):
    clear(store)
    steps = [("raw", "clean"), ("clean", "report")]

    def day(number):
        return [
            read(a_run_event(10 * number + place, inputs=[a_dataset(one)], outputs=[a_dataset(other)]))
            for place, (one, other) in enumerate(steps)
        ]

    for number in range(1, 6):
        assert not SqlEvents(store).add(day(number), BOT, ()).left_out
        for event in day(number + 10):
            assert not SqlEvents(store).add([event], BOT, ()).left_out
    back = read(a_run_event(1, inputs=[a_dataset("report")], outputs=[a_dataset("raw")]))

    left_out = SqlEvents(store).add([*day(30), back], BOT, ()).left_out

    assert left_out == {back.event_id: ("used s3://lake/report",)}


def test_a_read_that_gives_way_is_gone_from_copies_in_memory_too(store):
    clear(store)
    SqlEvents(store).add([an_event(1, [0, 1], [])], BOT, ())
    reach = CsrReach(store)
    graph = SqlGraph(store, reach, large=1)
    start = f"openlineage-run://{UUID(int=1)}"
    assert len(graph.walk(start, Direction.CAUSES, 9).nodes) == 4

    SqlEvents(store).add([an_event(1, [], [0])], BOT, ())

    found = {each.uri for each in graph.walk(start, Direction.CAUSES, 9).nodes}
    assert found == {start, "s3://lake/d1", "openlineage-job://airflow:%2F%2Fprod/clean%20orders"}


@pytest.mark.parametrize("new_nodes", range(1, 5))
def test_a_circle_over_new_nodes_is_refused_wherever_the_search_over_them_is_cut_short(store, budget, new_nodes):
    clear(store)
    SqlGraph(store).record(told([(1, 0)]))
    over_new_nodes = [0, *range(100, 100 + new_nodes), 1]

    circle = refused(SqlGraph(store).record, told([(0, 200), (0, 201), *pairwise(over_new_nodes)]))

    assert len(circle) == new_nodes + 2
    assert f"{uri(1)} was derived from {uri(0)}" in circle


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


def test_other_names_of_things_on_a_circle_stay_when_one_derivation_is_left_out(store):
    clear(store)
    one, other = (NodeFact(f"s3://lake/{name}", Role.ARTIFACT, "s3") for name in "ab")
    contents = (
        EventContent(None, (End(one),), (End(other, alternates=(one,)),)),
        EventContent(None, (End(other),), (End(one),)),
    )
    events = [LineageEvent(str(n), NOON, "x", "{}", content=content) for n, content in enumerate(contents)]

    SqlEvents(store).add(events, BOT, ())

    with store.read() as connection:
        verbs = sorted(connection.execute(sa.select(edge.c.verb)).scalars())
    assert verbs == [Verb.DERIVED_FROM, Verb.ALTERNATE_OF, Verb.ALTERNATE_OF]
    assert len(left_out_of(store)) == 1
