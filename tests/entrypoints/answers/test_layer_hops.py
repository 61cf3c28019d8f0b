"""Hops between boxes: what lies between is left out, no detour is drawn twice, and proof is not lost."""

from handrail.entrypoints.answers.layer_hops import Hop, hops_between
from handrail.lineage import Edge, Trace, Verb


def a_trace(*hops):
    edges = tuple(Edge(effect, cause, Verb.DERIVED_FROM, proven, ("dvc",)) for effect, cause, proven in hops)
    return Trace("a", "a", (), edges)


def test_what_lies_between_two_boxes_is_left_out():
    assert hops_between([{"a"}, {"c"}], a_trace(("a", "b", True), ("b", "c", True))) == (Hop(0, 1, True),)


def test_one_asserted_hop_on_the_way_makes_it_asserted():
    assert hops_between([{"a"}, {"c"}], a_trace(("a", "b", True), ("b", "c", False))) == (Hop(0, 1, False),)


def test_a_way_through_a_third_box_is_not_drawn_twice():
    trace = a_trace(("a", "b", True), ("b", "c", True), ("a", "c", True))

    assert hops_between([{"a"}, {"b"}, {"c"}], trace) == (Hop(0, 1, True), Hop(1, 2, True))


def test_a_proven_hop_stays_where_the_way_through_others_is_only_asserted():
    trace = a_trace(("a", "b", False), ("b", "c", True), ("a", "c", True))

    assert Hop(0, 2, True) in hops_between([{"a"}, {"b"}, {"c"}], trace)


def test_what_nobody_with_a_say_states_is_no_hop():
    forged = Edge("approval://s/pr-1", "mlflow://s/registered/m/1/1", Verb.DERIVED_FROM, True, ("somebody",))

    assert hops_between([{forged.effect}, {forged.cause}], Trace("a", "a", (), (forged,))) == ()
