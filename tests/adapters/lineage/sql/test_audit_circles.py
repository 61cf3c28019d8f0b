"""The doctor finds every circle that was written past Handrail, whatever its length, and none elsewhere."""

from datetime import UTC, datetime

import networkx as nx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from handrail.lineage.adapters.sql.audit import SqlAudit, circles
from handrail.lineage.adapters.sql.tables import edge, node, node_id
from tests.fakes.lineage_stores import KINDS, an_empty_store, clear

pytestmark = pytest.mark.any_version

DERIVED = 3


@pytest.fixture(scope="module", params=KINDS)
def opened(request):
    with an_empty_store(request.param) as store:
        yield store


@pytest.fixture
def store(opened):
    clear(opened)
    return opened


def plant(store, *edges):
    """Write edges past Handrail; `("a", "b")` says that a came from b."""
    names = {name for pair in edges for name in pair}
    nodes = [dict(id=node_id(uri(n)), uri=uri(n), role=1, kind="x", started=None, ended=None) for n in sorted(names)]
    rows = [dict(effect=node_id(uri(a)), cause=node_id(uri(b)), verb=DERIVED, proven=False) for a, b in edges]
    with store.write() as connection:
        if edges:
            connection.execute(node.insert(), nodes)
            connection.execute(edge.insert(), rows)


def uri(name):
    return f"x://{name}"


def found(store):
    with store.read() as connection:
        return list(circles(connection))


def ring(length, name="ring"):
    return [(f"{name}{n}", f"{name}{(n + 1) % length}") for n in range(length)]


@pytest.mark.parametrize("length", [2, 3, 50])
def test_a_circle_of_any_length_is_one_flaw(store, length):
    plant(store, *ring(length), ("effect", "ring0"), ("ring1", "cause"), ("effect", "cause"))

    (flaw,) = found(store)

    assert (flaw.kind, flaw.subject.startswith("x://ring")) == ("circle", True)
    assert f"one of {length} things that lead to one another" in flaw.detail
    assert flaw.detail.endswith(f" from {flaw.subject}")


def test_the_way_around_is_a_shortest_one(store):
    plant(store, *ring(50), *((cause, effect) for effect, cause in ring(50)))

    (flaw,) = found(store)

    assert flaw.detail.startswith("it is one of 50 things")
    assert flaw.detail.count("x://") == 2


@pytest.mark.parametrize(("length", "more"), [(50, ["41 more"]), (10, ["1 more"]), (9, []), (8, [])])
def test_a_long_way_around_is_cut_to_nine(store, length, more):
    plant(store, *ring(length))

    (flaw,) = found(store)

    assert [step for step in flaw.detail.split(" from ") if step.endswith("more")] == more
    assert flaw.detail.count("x://") == min(length, 9)


def test_two_circles_with_a_way_between_them_are_two_flaws(store):
    plant(store, *ring(2, "a"), *ring(3, "b"), ("a0", "between"), ("between", "b0"))

    assert sorted(flaw.detail.split(" things")[0] for flaw in found(store)) == ["it is one of 2", "it is one of 3"]


def test_what_leads_to_itself_by_one_edge_is_another_kind(store):
    plant(store, ("a", "a"), ("a", "b"))

    assert found(store) == []


def test_the_doctors_audit_has_them(store):
    plant(store, *ring(3))

    assert "circle" in {flaw.kind for flaw in SqlAudit(store).flaws(datetime(2026, 1, 1, tzinfo=UTC))}


def test_two_edges_with_other_verbs_between_the_same_two_are_no_circle(store):
    plant(store, ("a", "b"))
    with store.write() as connection:
        row = dict(effect=node_id(uri("a")), cause=node_id(uri("b")), verb=1, proven=False)
        connection.execute(edge.insert(), row)

    assert found(store) == []


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=25, unique=True))
def test_the_circles_are_those_of_an_independent_oracle(opened, edges):
    clear(opened)
    plant(opened, *[(str(a), str(b)) for a, b in edges])

    graph = nx.DiGraph([(str(a), str(b)) for a, b in edges])
    rings = [len(each) for each in nx.strongly_connected_components(graph) if len(each) > 1]
    assert sorted(int(flaw.detail.split()[4]) for flaw in found(opened)) == sorted(rings)
