"""Circles, rings and paths in random graphs, compared with networkx."""

import networkx as nx
from hypothesis import given
from hypothesis import strategies as st

from handrail.lineage.domain.circles import (
    find_closing,
    find_core,
    find_path,
    find_rings,
    find_way_around,
    neighbours_of,
)
from tests.fakes.effort import tried

numbers = st.integers(0, 9)
graphs = st.sets(st.tuples(numbers, numbers).filter(lambda pair: pair[0] != pair[1]), max_size=25)


@tried(100)
@given(pairs=graphs)
def test_the_core_holds_every_circle_and_is_empty_if_there_is_none(pairs):
    rings = [ring for ring in nx.strongly_connected_components(nx.DiGraph(list(pairs))) if len(ring) > 1]

    core = find_core(pairs)

    assert core <= pairs
    assert bool(core) == bool(rings)
    assert {pair for pair in pairs for ring in rings if set(pair) <= ring} <= core
    assert sorted(find_rings(core)) == sorted(map(sorted, rings))


@tried(100)
@given(pairs=graphs)
def test_the_way_around_a_ring_is_a_shortest_one(pairs):
    core = sorted(find_core(pairs))
    causes, _ = neighbours_of(core)
    graph = nx.DiGraph(core)

    for ring in find_rings(core):
        way = find_way_around(ring, causes)

        assert all(pair in core for pair in zip(way, [*way[1:], way[0]], strict=True))
        assert way[0] == ring[0]
        assert (
            len(way)
            == min(nx.shortest_path_length(graph, there, way[0]) for there in causes[way[0]] if there in ring) + 1
        )


@tried(100)
@given(pairs=graphs, start=numbers, goal=numbers)
def test_a_path_is_a_shortest_one(pairs, start, goal):
    graph = nx.DiGraph()
    graph.add_nodes_from(range(10))
    graph.add_edges_from(pairs)

    path = find_path(start, goal, neighbours_of(pairs)[0])

    assert bool(path) == nx.has_path(graph, start, goal)
    assert not path or len(path) == nx.shortest_path_length(graph, start, goal) + 1


@tried(100)
@given(held=graphs, given=st.lists(st.tuples(numbers, numbers), max_size=12))
def test_of_edges_one_after_another_exactly_those_that_would_close_a_circle_do(held, given):
    held = {(max(pair), min(pair)) for pair in held}
    graph = nx.DiGraph()
    graph.add_nodes_from(range(10))
    graph.add_edges_from(held)
    closing = set()
    for effect, cause in given:
        if nx.has_path(graph, cause, effect):
            closing.add((effect, cause))
        else:
            graph.add_edge(effect, cause)

    assert find_closing(held, given) == closing
