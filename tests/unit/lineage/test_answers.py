"""What answers count, and what they leave out."""

import pytest

from handrail.lineage.domain.answers import Impact, NodeDetails, Trace
from handrail.lineage.domain.graph import Edge, Node
from handrail.lineage.domain.vocabulary import Role, Verb


def test_a_portrait_of_which_no_more_is_said_is_whole():
    details = NodeDetails(Node("s3://lake/a", Role.ARTIFACT, "s3"), (), ())

    assert not details.truncated
    assert (details.pointers, details.conflicts, details.alternates, details.columns) == ((), (), (), ())


def test_only_proven_hops_that_count_are_counted_as_proven():
    gate, data = "approval://gate/1", "s3://lake/a"
    edges = tuple(
        Edge(effect, "s3://lake/b", Verb.DERIVED_FROM, proven, (source,))
        for effect in (gate, data)
        for proven in (True, False)
        for source in ("approvals", "x")
    )

    trace = Trace("x", data, (), edges, prediction_id=None, truncated=False, conflicts=(), hidden=0)

    assert trace.proven == 3


@pytest.mark.parametrize(
    ("kind", "counts"),
    [("s3", {"bento": 1, "s3": 2}), ("bento", {"s3": 3}), ("", {"bento": 1, "s3": 3})],
)
def test_an_impact_does_not_count_its_start(kind, counts):
    impact = Impact("x", "x", {"s3": 3, "bento": 1}, {}, {"d": 2, "e": 3}, {}, truncated=False, kind=kind, failed=())

    assert (impact.counts, impact.reached, impact.total) == (counts, 3, 5)
