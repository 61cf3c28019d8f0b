"""The SQL graph against an oracle: any order of recording leaves the same rows, walks equal networkx."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import networkx as nx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from handrail.errors import Conflict
from handrail.lineage.adapters.sql import recording
from handrail.lineage.adapters.sql.graph import SqlGraph
from handrail.lineage.adapters.sql.tables import MIGRATIONS, metadata, node_id
from handrail.lineage.domain.errors import CycleRefused
from handrail.lineage.domain.facts import ActivityDetails, activity_fact, describe_activity, describe_derivation
from handrail.lineage.domain.graph import Direction
from handrail.lineage.domain.names import artifact_at
from handrail.storage import migrate, open_store
from tests.fakes.effort import tried
from tests.fakes.lineage import GraphInMemory
from tests.fakes.lineage_stores import KINDS, an_empty_store, clear, dump

NOON = datetime(2013, 8, 1, 12, tzinfo=UTC)
SIZE = 12


@pytest.fixture(scope="module", params=KINDS)
def store(request):
    with an_empty_store(request.param) as opened:
        yield opened


def artifact(number, digest):
    return artifact_at(f"dvc://shop/a{number:02}", f"sha256:{digest:02x}" if digest else None)


digests = st.sampled_from([0, 1])
numbers = st.integers(0, SIZE - 1)
tellers = st.sampled_from(["dvc", "mlflow"])


@st.composite
def derivations(draw):
    """A cause comes before its effect in number, so that no order of such facts closes a circle."""
    cause, effect = sorted(draw(st.lists(numbers, min_size=2, max_size=2, unique=True)))
    agreed = draw(st.sampled_from([None, "md5:aa"]))
    sides = artifact(effect, draw(digests) * (effect + 1)), artifact(cause, draw(digests) * (cause + 1))
    return describe_derivation(*sides, draw(tellers), agreed)


@st.composite
def activities(draw):
    """An activity stands between the numbers that it used and those that it generated."""
    at = draw(st.integers(1, SIZE - 1))
    used = draw(st.lists(st.integers(0, at - 1), max_size=3, unique=True))
    made = draw(st.lists(st.integers(at, SIZE - 1), max_size=3, unique=True))
    hours = draw(st.tuples(st.integers(0, 5), st.integers(0, 5)))
    details = ActivityDetails(
        NOON + timedelta(hours=hours[0]), NOON + timedelta(hours=hours[1]), {"n": str(draw(digests))}, draw(tellers)
    )
    activity = activity_fact(f"dvc-stage://shop/s{at:02}", draw(st.sampled_from(["dvc-stage", "stage"])), details)
    agents = draw(st.lists(st.sampled_from(["actor://s/ann", "actor://s/bob"]), max_size=2, unique=True))
    return describe_activity(
        activity,
        [artifact(n, draw(digests) * (n + 1)) for n in used],
        [artifact(n, draw(digests) * (n + 1)) for n in made],
        agents,
        details.asserted_by,
    )


logs = st.lists(st.one_of(derivations(), activities()), min_size=1, max_size=8)


@tried(30)
@given(log=logs, data=st.data())
def test_any_permutation_with_duplicates_leaves_identical_tables(store, log, data):
    shuffled = data.draw(st.permutations(log + data.draw(st.lists(st.sampled_from(log), max_size=4))))

    tables = []
    for order in (log, shuffled):
        clear(store)
        for facts in order:
            SqlGraph(store).record(facts)
        tables.append(dump(store))

    assert tables[0] == tables[1]


@tried(30)
@given(log=logs, data=st.data())
def test_contradicting_digests_are_all_kept_in_any_order(store, log, data):
    """The rival claims are the same; only which of them came first may differ."""
    rivals = [describe_derivation(artifact(SIZE, value), artifact(0, value + 40), "gx") for value in (98, 99)]
    orders = [log + rivals, data.draw(st.permutations(log + rivals))]

    tables, found = [], []
    for order in orders:
        clear(store)
        for facts in order:
            SqlGraph(store).record(facts)
        tables.append(dump(store))
        found.append({(c.uri, frozenset((c.first, *c.others))) for c in SqlGraph(store).conflicts()})

    for table in tables:
        table["lineage_digest"] = [row[:-1] for row in table["lineage_digest"]]
    assert tables[0] == tables[1]
    assert found[0] == found[1] != set()


@tried(30)
@given(log=logs, start=numbers)
def test_walks_equal_the_oracles(store, log, start):
    clear(store)
    memory, graph = GraphInMemory(), SqlGraph(store)
    for facts in log:
        memory.record(facts)
        graph.record(facts)
    oracle = nx.DiGraph((s.effect, s.cause) for facts in log for s in facts.statements)
    uri = artifact(start, 0).uri

    for direction, reach in ((Direction.CAUSES, nx.descendants), (Direction.EFFECTS, nx.ancestors)):
        walk = graph.walk(uri, direction, 1000)

        assert walk == memory.walk(uri, direction, 1000)
        if walk and uri in oracle:
            assert {node.uri for node in walk.nodes} == {uri} | reach(oracle, uri)
            assert {(e.effect, e.cause) for e in walk.edges} == set(oracle.subgraph({uri} | reach(oracle, uri)).edges)


@tried(30)
@given(pairs=st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), min_size=1, max_size=14))
def test_exactly_the_edges_that_close_a_circle_are_refused(store, pairs):
    clear(store)
    oracle = nx.DiGraph()
    for effect, cause in pairs:
        oracle.add_edge(effect, cause)
        closes = not nx.is_directed_acyclic_graph(oracle)

        assert _is_refused(store, effect, cause) == closes

        if closes:
            oracle.remove_edge(effect, cause)
    with store.read() as connection:
        rows = connection.execute(metadata.tables["lineage_edge"].select()).all()
    assert len(rows) == oracle.number_of_edges()


def _is_refused(store, effect, cause):
    try:
        SqlGraph(store).record(describe_derivation(artifact(effect, 0), artifact(cause, 0), "dvc"))
    except CycleRefused:
        return True
    return False


def test_writers_at_once_lose_nothing_and_close_no_circle(tmp_path):
    store = open_store(f"sqlite:///{tmp_path / 'graph.db'}")
    migrate(store, "lineage", MIGRATIONS)
    graph = SqlGraph(store)

    def offer(pair):
        try:
            graph.record(describe_derivation(artifact(pair[0], 0), artifact(pair[1], 0), "dvc"))
        except CycleRefused:
            return 0
        return 1

    with ThreadPoolExecutor(4) as pool:
        kept = sum(pool.map(offer, [(n, (n + 1) % 8) for n in range(8)]))

    with store.read() as connection:
        rows = connection.execute(metadata.tables["lineage_edge"].select()).all()
    store.close()
    assert kept == len(rows) == 7


def test_a_shared_node_id_is_refused_not_merged(store):
    clear(store)
    with store.write() as connection:
        connection.execute(
            metadata.tables["lineage_node"].insert(),
            {"id": node_id("dvc://shop/a01"), "uri": "dvc://shop/other", "role": 1, "kind": "dvc-data"},
        )

    with pytest.raises(Conflict, match="share it"):
        SqlGraph(store).record(describe_derivation(artifact(1, 0), artifact(0, 0), "dvc"))


def test_two_that_come_at_once_and_share_an_id_are_refused_too(store, monkeypatch):
    clear(store)
    monkeypatch.setattr(recording, "node_id", lambda _uri: 7)

    with pytest.raises(Conflict, match="share it"):
        SqlGraph(store).record(describe_derivation(artifact(1, 0), artifact(0, 0), "dvc"))

    assert not any(dump(store).values())


def test_ids_stay_what_the_first_release_made_them():
    assert node_id("dvc://shop/data/raw@00.dir") == 3473138671036102684
