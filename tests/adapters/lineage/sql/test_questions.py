"""Walks, counts and pages, by SQL and over the snapshot in memory, equal an independent oracle: networkx."""

from __future__ import annotations

from collections import Counter

import networkx as nx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from handrail.lineage.adapters.openlineage.writer import write_events
from handrail.lineage.adapters.sql import reach as sql_reach
from handrail.lineage.adapters.sql.csr_reach import CsrReach
from handrail.lineage.adapters.sql.graph import SqlGraph
from handrail.lineage.adapters.sql.tables import node_id
from handrail.lineage.domain.facts import Facts, describe_derivation
from handrail.lineage.domain.graph import Direction, Reachable
from handrail.lineage.domain.names import artifact_at
from handrail.lineage.ports import LineagePorts
from handrail.lineage.service.lineage import Lineage
from tests.fakes.lineage import PipelineInMemory, PointersInMemory, PredictionsInMemory
from tests.fakes.lineage_stores import KINDS, an_empty_store, clear

SIZE = 24
MODERATE = settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
edges = st.lists(
    st.tuples(st.integers(0, SIZE), st.integers(0, SIZE)).filter(lambda pair: pair[0] > pair[1]), max_size=50
)
numbers = st.integers(0, SIZE)
directions = st.sampled_from(Direction)
depths = st.none() | st.integers(1, 6)
budgets = st.integers(1, SIZE + 2)
some_kinds = st.lists(st.sampled_from(["dvc-data", "bento", "report"]), unique=True, min_size=1, max_size=2)


@pytest.fixture(scope="module", params=KINDS)
def store(request):
    with an_empty_store(request.param) as opened:
        yield opened


@pytest.fixture(params=["sql", "memory"])
def opened(request, store):
    """A function that empties the store and opens a graph over it."""

    def open_graph():
        clear(store)
        return SqlGraph(store, CsrReach(store), large=1) if request.param == "memory" else SqlGraph(store)

    return open_graph


def artifact(number):
    form = ("dvc://shop/a{:02}@0", "bento://a/{:02}", "evidently://shop/report/{:02}")[number % 3]
    return artifact_at(form.format(number))


def uri(number):
    return artifact(number).uri


def record(graph, pairs):
    graph.record(Facts.union(describe_derivation(artifact(effect), artifact(cause), "dvc") for effect, cause in pairs))


def distances(pairs, start, direction):
    """Return how many hops away each node is that can be reached."""
    oracle = nx.DiGraph(pairs)
    oracle = oracle if direction is Direction.CAUSES else oracle.reverse()
    return nx.single_source_shortest_path_length(oracle, start) if start in oracle else {}


@MODERATE
@given(before=edges, after=edges, start=numbers, direction=directions, depth=depths, budget=budgets)
def test_a_walk_holds_the_nearest_within_depth_and_budget(opened, before, after, start, direction, depth, budget):
    graph = opened()
    record(graph, before)
    graph.walk(uri(start), direction, 100)
    record(graph, after)
    hops = distances([*before, *after], start, direction)
    within = {number for number, far in hops.items() if depth is None or far <= depth}

    walk = graph.walk(uri(start), direction, budget, depth)

    if not hops:
        assert walk is None
        return
    kept = {node.uri for node in walk.nodes}
    assert walk.truncated == (len(within) > budget)
    assert len(kept) == min(budget, len(within))
    assert kept <= {uri(number) for number in within}
    left_out = [hops[number] for number in within if uri(number) not in kept]
    assert max(hops[number] for number in within if uri(number) in kept) <= min(left_out, default=SIZE)
    between = {(uri(effect), uri(cause)) for effect, cause in [*before, *after] if {uri(effect), uri(cause)} <= kept}
    assert {(edge.effect, edge.cause) for edge in walk.edges} == between


@MODERATE
@given(before=edges, after=edges, start=numbers, direction=directions, depth=depths, kinds=st.just([]) | some_kinds)
def test_counts_and_pages_say_what_the_oracle_reaches(opened, before, after, start, direction, depth, kinds):
    graph = opened()
    record(graph, before)
    graph.walk(uri(start), direction, 100)
    record(graph, after)
    hops = distances([*before, *after], start, direction)
    within = [artifact(number) for number, far in hops.items() if depth is None or far <= depth]
    what = Reachable(uri(start), direction, 100, depth)

    tally = graph.tally(what, kinds)
    pages, last = [], ""
    while page := graph.page(what, kinds, last, 4):
        pages += [node.uri for node in page]
        last = pages[-1]

    assert pages == sorted(each.uri for each in within if not kinds or each.kind in kinds)
    if not hops:
        assert tally is None
        return
    assert tally.kinds == Counter(each.kind for each in within)
    assert {kind: list(uris) for kind, uris in tally.names.items()} == {
        kind: sorted(each.uri for each in within if each.kind == kind) for kind in kinds
    }
    assert not tally.truncated


@MODERATE
@given(pairs=edges, start=numbers, direction=directions, budget=budgets)
def test_counts_of_a_truncated_walk_are_lower_bounds(opened, pairs, start, direction, budget):
    graph = opened()
    record(graph, pairs)
    hops = distances(pairs, start, direction)

    tally = graph.tally(Reachable(uri(start), direction, budget))

    if hops:
        assert sum(tally.kinds.values()) == min(budget, len(hops))
        assert tally.truncated == (len(hops) > budget)


@MODERATE
@given(pairs=edges, start=numbers, direction=directions, depth=depths, kinds=some_kinds)
def test_a_filter_by_kind_hides_nodes_and_walks_through_them(opened, pairs, start, direction, depth, kinds):
    graph = opened()
    record(graph, pairs)
    hops = distances(pairs, start, direction)
    ports = LineagePorts(graph, PointersInMemory(), PredictionsInMemory(), PipelineInMemory(()), "shop", write_events)
    if not hops:
        return

    trace = Lineage(ports).trace(uri(start), depth=depth, kinds=kinds, direction=direction)

    within = {number: far for number, far in hops.items() if depth is None or far <= depth}
    shown = [number for number in within if artifact(number).kind in kinds]
    assert [node.uri for node in trace.nodes] == [
        uri(number) for number in sorted(shown, key=lambda number: (within[number], uri(number)))
    ]
    assert trace.hidden == len(within) - len(shown)
    ends = {uri(number) for number in shown}
    reached = {uri(number) for number in within}
    assert {(edge.effect, edge.cause) for edge in trace.edges} == {
        (uri(effect), uri(cause))
        for effect, cause in pairs
        if {uri(effect), uri(cause)} <= reached and uri(cause if direction is Direction.CAUSES else effect) in ends
    }


def test_a_large_closure_is_counted_alike_by_all_ways(store):
    clear(store)
    wide = SqlGraph(store)
    layers = [[artifact_at(f"dvc://shop/{layer}/{n:03}@0") for n in range(200)] for layer in range(20)]
    pairs = [(layers[k + 1][n], layers[k][m % 200]) for k in range(19) for n in range(200) for m in (n, 7 * n, n // 2)]
    wide.record(Facts.union(describe_derivation(effect, cause, "dvc") for effect, cause in pairs))
    oracle = nx.DiGraph((effect.uri, cause.uri) for effect, cause in pairs)
    start = layers[0][0].uri
    reach = CsrReach(store)
    reach.prepare()

    expected = len(nx.ancestors(oracle, start)) + 1

    assert expected > sql_reach.SMALL
    for way in (wide, SqlGraph(store, reach), SqlGraph(store, CsrReach(store), large=100)):
        tally = way.tally(Reachable(start, Direction.EFFECTS, 10**6))
        assert tally.kinds == {"dvc-data": expected}
        assert len(way.walk(start, Direction.EFFECTS, 10**6).nodes) == expected
    with store.read() as connection:
        ids = sql_reach.closure(connection, node_id(start), Direction.EFFECTS, 10**6)
    assert len(ids) == expected
