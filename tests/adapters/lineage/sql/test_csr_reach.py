"""Walks over the copy in memory equal those by SQL and networkx, whatever was recorded after it was taken."""

from __future__ import annotations

import runpy
import sys

import networkx as nx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from handrail.errors import MissingTool
from handrail.lineage.adapters.sql import csr_reach
from handrail.lineage.adapters.sql.csr_reach import CsrReach, EdgeCopy, NewerEdges, find_in
from handrail.lineage.adapters.sql.graph import SqlGraph
from handrail.lineage.adapters.sql.tables import node_id
from handrail.lineage.domain.facts import Facts, NodeFact, describe_derivation
from handrail.lineage.domain.graph import Direction, Reachable
from handrail.lineage.domain.names import artifact_at
from handrail.lineage.domain.vocabulary import Role
from tests.fakes.effort import tried
from tests.fakes.lineage_stores import KINDS, an_empty_store, clear, dump

pytestmark = pytest.mark.any_version

SIZE = 16
edges = st.lists(
    st.sampled_from([(effect, cause) for effect in range(SIZE + 1) for cause in range(effect)]), max_size=30
)


@pytest.fixture(scope="module", params=KINDS)
def store(request):
    with an_empty_store(request.param) as opened:
        yield opened


def uri(number):
    return f"dvc://shop/a{number:02}"


def record(store, pairs):
    SqlGraph(store).record(
        Facts.union(describe_derivation(artifact_at(uri(e)), artifact_at(uri(c)), "dvc") for e, c in pairs)
    )


@tried(50)
@given(before=edges, between=edges, after=edges, start=st.integers(0, SIZE), direction=st.sampled_from(Direction))
def test_walks_in_memory_equal_those_by_sql_and_the_oracles(store, before, between, after, start, direction):
    clear(store)
    reach = CsrReach(store, max_recent=20)
    quick = SqlGraph(store, reach, large=0)
    record(store, before)
    quick.walk(uri(start), direction, 100)
    record(store, between)
    quick.walk(uri(start), direction, 100)
    record(store, after)

    walk = quick.walk(uri(start), direction, 100)

    assert walk == SqlGraph(store).walk(uri(start), direction, 100)
    oracle = nx.DiGraph([*before, *between, *after])
    if walk is not None:
        beyond = nx.descendants if direction is Direction.CAUSES else nx.ancestors
        assert {node.uri for node in walk.nodes} == {uri(n) for n in {start} | beyond(oracle, start)}


@tried(50)
@given(pairs=edges, start=st.integers(0, SIZE), most=st.integers(1, SIZE))
def test_a_budget_ends_a_walk_in_memory_with_a_part_of_it(store, pairs, start, most):
    clear(store)
    record(store, pairs)
    reach = CsrReach(store)
    reach.prepare()

    walk, whole = (SqlGraph(store, reach, large=0).walk(uri(start), Direction.CAUSES, budget) for budget in (most, 100))

    if whole is not None:
        assert walk.truncated == (len(whole.nodes) > most)
        assert len(walk.nodes) == min(most, len(whole.nodes))
        assert {uri(start)} <= {node.uri for node in walk.nodes} <= {node.uri for node in whole.nodes}


def test_a_kind_that_changes_after_the_snapshot_is_counted_as_it_is_now(store):
    clear(store)
    record(store, [(1, 0), (2, 1)])
    reach = CsrReach(store)
    reach.prepare()
    graph = SqlGraph(store, reach, large=0)
    what = Reachable(uri(0), Direction.EFFECTS, 100)
    assert graph.tally(what).kinds == {"dvc-data": 3}

    graph.record(Facts(frozenset({NodeFact(uri(1), Role.ARTIFACT, "a-kind-that-is-less")})))

    tally = graph.tally(what, ["a-kind-that-is-less"])
    assert tally.kinds == {"dvc-data": 2, "a-kind-that-is-less": 1}
    assert list(tally.names["a-kind-that-is-less"]) == [uri(1)]
    assert len(graph.walk(uri(0), Direction.EFFECTS, 100).nodes) == 3


def test_two_processes_each_see_what_the_other_recorded(store):
    clear(store)
    record(store, [(1, 0)])
    mine, yours = CsrReach(store), CsrReach(store)
    for reach in (mine, yours, mine):
        reach.prepare()

    record(store, [(2, 1), (30, 2)])

    for reach in (mine, yours):
        found = SqlGraph(store, reach, large=0).walk(uri(30), Direction.CAUSES, 9)
        assert {node.uri for node in found.nodes} == {uri(0), uri(1), uri(2), uri(30)}


def test_a_snapshot_whose_newer_edges_were_forgotten_is_not_used(store):
    clear(store)
    record(store, [(1, 0)])
    old = CsrReach(store)
    old.prepare()
    record(store, [(2, 1)])
    for _ in range(3):
        CsrReach(store).prepare()

    with store.read() as connection:
        assert old.find(connection, Reachable(uri(2), Direction.CAUSES, 9)) is None
    assert len(SqlGraph(store, old, large=0).walk(uri(2), Direction.CAUSES, 9).nodes) == 3


@pytest.mark.parametrize(("later", "is_used"), [(1, True), (2, False)])
def test_newer_edges_of_the_two_latest_copies_are_kept(store, later, is_used):
    clear(store)
    record(store, [(1, 0)])
    copy = CsrReach(store)
    copy.prepare()
    record(store, [(2, 1)])
    for _ in range(later):
        CsrReach(store).prepare()
    record(store, [(3, 2)])

    with store.read() as connection:
        found = copy.find(connection, Reachable(uri(3), Direction.CAUSES, 9))
        assert (found is not None) is is_used
        assert not is_used or len(found.ids()) == 4
    assert [row[0] for row in dump(store)["lineage_recent_edge"]] == ([1, 2] if is_used else [3])


def test_a_copy_that_cannot_be_used_when_it_is_ready_is_replaced_by_sql(store):
    class NeverReady(CsrReach):
        def find(self, connection, what):
            return None

    clear(store)
    record(store, [(number + 1, number) for number in range(6)])

    walk = SqlGraph(store, NeverReady(store), large=2).walk(uri(6), Direction.CAUSES, 100)

    assert walk == SqlGraph(store).walk(uri(6), Direction.CAUSES, 100)
    assert len(walk.nodes) == 7


def test_without_numpy_the_extra_that_brings_it_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "numpy", None)

    with pytest.raises(MissingTool, match=r"numpy.*server"):
        runpy.run_path(csr_reach.__file__)


def test_too_many_newer_edges_call_for_a_new_snapshot_and_small_closures_for_none(store):
    clear(store)
    record(store, [(1, 0)])
    reach = CsrReach(store, max_recent=2)

    SqlGraph(store, reach, large=5).walk(uri(1), Direction.CAUSES, 100)
    assert dump(store)["lineage_epoch"] == []

    reach.prepare()
    record(store, [(2, 1), (3, 2), (4, 3)])
    SqlGraph(store, reach, large=3).walk(uri(4), Direction.CAUSES, 100)

    assert dump(store)["lineage_epoch"] == [(1, 2)]


def test_a_large_closure_is_found_over_many_levels():
    generator = np.random.default_rng(0)
    effects = generator.integers(1, 5000, 20_000)
    causes = (effects * generator.random(20_000)).astype(np.int64)
    ids = np.array([node_id(uri(number)) for number in range(5000)])
    oracle = nx.DiGraph(zip(ids[effects].tolist(), ids[causes].tolist(), strict=True))

    copy = EdgeCopy.of(1, ids[effects], ids[causes])

    for start in (4999, 2500, 17):
        found = find_in(copy, NewerEdges.of(0, ()), Reachable(uri(start), Direction.CAUSES, 10_000)).ids()

        assert len(found) == len(set(found))
        assert set(found) == {node_id(uri(start))} | nx.descendants(oracle, node_id(uri(start)))
