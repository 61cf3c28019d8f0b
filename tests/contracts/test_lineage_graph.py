"""What every graph store promises: sets of facts, in whatever order; walks; proof; no circles; findings."""

import random
from contextlib import nullcontext
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import permutations

import pytest

from handrail.errors import InvalidInput
from handrail.lineage.adapters.sql.graph import SqlGraph
from handrail.lineage.domain.errors import CycleRefused, RoleConflict
from handrail.lineage.domain.facts import (
    ActivityDetails,
    ColumnFact,
    Facts,
    NodeFact,
    Statement,
    activity_fact,
    describe_activity,
    describe_derivation,
)
from handrail.lineage.domain.graph import Direction
from handrail.lineage.domain.names import artifact_at
from handrail.lineage.domain.vocabulary import Role, Verb
from tests.fakes.lineage_graph import GraphInMemory
from tests.fakes.lineage_stores import KINDS, an_empty_store

NOON = datetime(2013, 8, 1, 12, tzinfo=UTC)
B, ALSO = artifact_at("dvc://shop/b"), artifact_at("dvc://shop/also")
NODES = frozenset(NodeFact(each.uri, Role.ARTIFACT, "dvc-data") for each in (B, ALSO))
D1, D2 = "sha256:" + "1" * 64, "sha256:" + "2" * 64


@pytest.fixture(params=["memory", *KINDS])
def graph(request):
    opened = nullcontext() if request.param == "memory" else an_empty_store(request.param)
    with opened as store:
        yield SqlGraph(store) if store else GraphInMemory()


def data(name, digest=None):
    return artifact_at(f"dvc://shop/{name}", digest)


def ran(name, used=(), generated=(), **more):
    details = ActivityDetails(**more)
    activity = activity_fact(f"dvc-stage://shop/{name}", details=details)
    return describe_activity(activity, used, generated, [], details.asserted_by)


def uris(walk):
    return [node.uri.rpartition("/")[2] for node in walk.nodes]


def test_a_walk_goes_both_ways_and_holds_the_edges_between(graph):
    graph.record(ran("train", [data("set")], [data("model")]))
    graph.record(describe_derivation(data("bento"), data("model"), "bentoml"))

    back = graph.walk("dvc://shop/model", Direction.CAUSES, 10)
    forth = graph.walk("dvc://shop/model", Direction.EFFECTS, 10)

    assert uris(back) == ["train", "model", "set"]
    assert uris(forth) == ["bento", "model"]
    assert [(e.effect.rpartition("/")[2], e.verb.word, e.cause.rpartition("/")[2]) for e in back.edges] == [
        ("train", "used", "set"),
        ("model", "generated", "train"),
    ]
    assert forth.edges[0].asserted_by == ("bentoml",)


def test_facts_come_back_as_they_were_recorded_but_for_what_was_not_asked(graph):
    told = ran("train", [data("set", D1)], [data("model", D2)], started=NOON, attributes={"rows": "12"})
    graph.record(told)
    graph.record(ran("train", [data("other")], attributes={"rows": "13"}, asserted_by="mlflow"))
    names = [node.uri for node in told.nodes]

    found = graph.facts([*names, "dvc://shop/nothing"])

    assert found.statements == told.statements
    (stage,) = (node for node in found.nodes if node.role.word == "activity")
    assert stage.attributes == {("rows", "12"), ("rows", "13")}
    assert stage.started == NOON
    assert {node.uri for node in found.nodes} == set(names)


def test_an_unknown_start_is_no_walk(graph):
    assert graph.walk("dvc://shop/nothing", Direction.CAUSES, 10) is None


def test_a_budget_ends_a_walk_and_says_so(graph):
    for number in range(6):
        graph.record(describe_derivation(data(f"f{number + 1}"), data(f"f{number}"), "dvc"))

    walk = graph.walk("dvc://shop/f6", Direction.CAUSES, 3)
    whole = graph.walk("dvc://shop/f6", Direction.CAUSES, 7)

    assert (uris(walk), walk.truncated) == (["f4", "f5", "f6"], True)
    assert (len(whole.nodes), whole.truncated) == (7, False)


def test_repeating_facts_changes_nothing(graph):
    facts = ran("train", [data("set", D1)], [data("model")])

    graph.record(facts)
    before = graph.walk("dvc://shop/model", Direction.CAUSES, 10)
    graph.record(facts)

    assert graph.walk("dvc://shop/model", Direction.CAUSES, 10) == before


def test_it_reports_whether_anything_was_new(graph):
    facts = ran("train", [data("set")], attributes={"by": "hand"})

    assert graph.record(facts)
    assert not graph.record(facts)
    assert not graph.record(Facts())
    assert graph.record(ran("train", [data("set")], asserted_by="prefect")), "a sender"
    assert graph.record(ran("train", attributes={"by": "flow"})), "an attribute"
    assert graph.record(ran("train", started=NOON)), "a time"
    assert not graph.record(ran("train", started=NOON + timedelta(hours=1))), "nothing that the held time lacks"
    assert graph.record(Facts(frozenset({activity_fact("dvc-stage://shop/test")}))), "a node"


def test_times_widen_attributes_unite_and_senders_are_all_named(graph):
    graph.record(ran("train", [data("set")], started=NOON, ended=NOON, attributes={"by": "hand"}))
    graph.record(ran("train", [data("set")], started=NOON - timedelta(hours=1), asserted_by="prefect"))
    graph.record(ran("train", ended=NOON + timedelta(hours=1), attributes={"by": "flow"}))

    walk = graph.walk("dvc-stage://shop/train", Direction.CAUSES, 10)

    (stage,) = (node for node in walk.nodes if node.kind == "dvc-stage")
    assert (stage.started, stage.ended) == (NOON - timedelta(hours=1), NOON + timedelta(hours=1))
    assert stage.attributes == {"by": "flow | hand"}
    assert walk.edges[0].asserted_by == ("handrail", "prefect")


@pytest.mark.parametrize("consumer_first", [True, False])
def test_a_hop_is_proven_when_maker_and_taker_state_the_same_digest(graph, consumer_first):
    calls = [ran("features", [], [data("set", D1)]), ran("train", [data("set", D1)], [data("model", D2)])]

    for facts in reversed(calls) if consumer_first else calls:
        graph.record(facts)

    proven = {(e.verb.word, e.proven) for e in graph.walk("dvc://shop/set", Direction.CAUSES, 9).edges}
    used = graph.walk("dvc-stage://shop/train", Direction.CAUSES, 9).edges
    model = graph.walk("dvc://shop/model", Direction.CAUSES, 9).edges
    assert proven == {("generated", True)}
    assert [e.proven for e in used if e.verb.word == "used"] == [True]
    assert [e.proven for e in model if e.effect.endswith("model")] == [False], "nobody took the model yet"


def test_a_hop_with_differing_digests_is_asserted_only(graph):
    graph.record(ran("features", [], [data("set", D1)]))
    graph.record(ran("train", [data("set", D2)]))

    assert not any(e.proven for e in graph.walk("dvc-stage://shop/train", Direction.CAUSES, 9).edges)


def test_a_compared_part_of_a_whole_is_proven(graph):
    graph.record(describe_derivation(data("raw"), data("raw/a.csv"), "dvc", agreed="md5:" + "a" * 32))

    assert graph.walk("dvc://shop/raw", Direction.CAUSES, 9).edges[0].proven


def test_the_first_digest_stands_and_the_other_is_a_finding(graph):
    graph.record(ran("features", [], [data("set", D2)], asserted_by="dvc"))
    graph.record(ran("train", [data("set", D1)], asserted_by="mlflow"))
    # Of another algorithm there is one digest only.
    graph.record(ran("check", [data("set", "md5:" + "a" * 32)], asserted_by="dvc"))

    (finding,) = graph.conflicts()
    (node,) = (n for n in graph.walk("dvc://shop/set", Direction.CAUSES, 9).nodes if n.uri == "dvc://shop/set")
    assert (finding.uri, finding.first, finding.others) == ("dvc://shop/set", D2, (D1,))
    assert finding.asserted_by == ("dvc", "mlflow")
    assert node.digest == D2
    assert graph.conflicts(["dvc://shop/set"]) == (finding,)
    assert graph.conflicts(["dvc://shop/other"]) == ()


def test_digests_of_two_algorithms_do_not_contradict(graph):
    graph.record(ran("features", [], [data("set", "md5:" + "a" * 32)]))
    graph.record(ran("train", [data("set", D1)]))

    (node,) = (n for n in graph.walk("dvc://shop/set", Direction.CAUSES, 9).nodes if n.uri == "dvc://shop/set")
    assert graph.conflicts() == ()
    assert node.digest == D1


def test_a_circle_is_refused_with_its_edges_and_nothing_is_recorded(graph):
    graph.record(describe_derivation(data("b"), data("a"), "dvc"))
    graph.record(describe_derivation(data("c"), data("b"), "dvc"))
    before = graph.walk("dvc://shop/c", Direction.CAUSES, 9)

    with pytest.raises(CycleRefused) as caught:
        graph.record(
            describe_derivation(data("a"), data("c"), "dvc") | describe_derivation(data("x"), data("a"), "dvc")
        )

    assert set(caught.value.edges) >= {
        "dvc://shop/a was derived from dvc://shop/c",
        "dvc://shop/b was derived from dvc://shop/a",
        "dvc://shop/c was derived from dvc://shop/b",
    }
    assert graph.walk("dvc://shop/c", Direction.CAUSES, 9) == before
    assert graph.walk("dvc://shop/x", Direction.CAUSES, 9) is None


def test_a_circle_within_one_call_is_refused(graph):
    with pytest.raises(CycleRefused):
        graph.record(ran("train", [data("a")], [data("a")]))
    with pytest.raises(CycleRefused):
        graph.record(describe_derivation(data("a"), data("a"), "dvc"))

    assert graph.walk("dvc://shop/a", Direction.CAUSES, 9) is None


def test_a_name_keeps_its_role(graph):
    graph.record(describe_derivation(data("b"), data("a"), "dvc"))

    with pytest.raises(RoleConflict, match="artifact"):
        graph.record(Facts(nodes=frozenset({activity_fact("dvc://shop/a")})))


def test_a_prefix_finds_names_in_order_and_takes_signs_literally(graph):
    graph.record(describe_derivation(data("raw/A%.csv"), data("raw/a_.csv"), "dvc"))
    graph.record(describe_derivation(data("raw/ä.csv"), data("raw/ab.csv"), "dvc"))

    assert graph.find("dvc://shop/raw/a", 9) == ("dvc://shop/raw/a_.csv", "dvc://shop/raw/ab.csv")
    assert graph.find("dvc://shop/raw/a_", 9) == ("dvc://shop/raw/a_.csv",)
    assert graph.find("dvc://shop/raw/A%", 9) == ("dvc://shop/raw/A%.csv",)
    assert len(graph.find("dvc://shop/", 3)) == 3
    assert graph.find("dvc://other/", 3) == ()


def test_a_digest_finds_all_that_were_claimed_with_it(graph):
    graph.record(ran("features", [], [data("set", D2)], asserted_by="dvc"))
    graph.record(ran("train", [data("set", D1), data("copy", D1)], asserted_by="mlflow"))

    assert graph.with_digest(D1, 9) == ("dvc://shop/copy", "dvc://shop/set")
    assert graph.with_digest(D1[:12], 1) == ("dvc://shop/copy",)
    assert graph.with_digest(D2, 9) == ("dvc://shop/set",)
    assert graph.with_digest("md5:" + D1.partition(":")[2], 9) == ()


def test_an_attribute_may_be_long_and_its_name_not(graph):
    chance = random.Random(0)
    long = "".join(chance.choice("0123456789abcdef") for _ in range(50_000))
    facts = ran("train", attributes={"parameters": long})

    assert graph.record(facts)
    assert not graph.record(facts)
    assert graph.walk("dvc-stage://shop/train", Direction.CAUSES, 10).nodes[0].attributes["parameters"] == long
    with pytest.raises(InvalidInput, match="very long name"):
        ran("train", attributes={long: "x"})


@pytest.mark.parametrize("digest", ["sha256:" + "a" * 129, "a" * 33 + ":aa", "sha256:", "sha256:XY"])
def test_a_digest_is_a_short_algorithm_and_at_most_128_digits(digest):
    with pytest.raises(InvalidInput, match="is not a digest"):
        ran("train", [data("set", digest)])


def test_names_that_come_after_another_are_found_so_that_one_can_go_on(graph):
    graph.record(describe_derivation(data("raw/a"), data("raw/b"), "dvc"))
    graph.record(describe_derivation(data("raw/c"), data("raw/b"), "dvc"))

    assert graph.find("dvc://shop/", 9, "dvc://shop/raw/a") == ("dvc://shop/raw/b", "dvc://shop/raw/c")
    assert graph.find("dvc://shop/", 1, "dvc://shop/raw/a") == ("dvc://shop/raw/b",)
    assert graph.find("dvc://shop/", 9, "dvc://shop/raw/c") == ()


def test_columns_are_known_at_both_ends_each_once_and_are_facts(graph):
    fact = ColumnFact("dvc://shop/b", "total", "dvc://shop/a", "amount", "DIRECT", "dvc")
    whole = ColumnFact("dvc://shop/c", "", "dvc://shop/b", "day", "", "dvc")
    facts = Facts.union(describe_derivation(data(e), data(c), "dvc") for e, c in ("ba", "cb"))

    assert graph.record(facts | Facts(columns=frozenset({fact, whole})))
    assert not graph.record(facts | Facts(columns=frozenset({fact})))
    assert graph.record(Facts(columns=frozenset({replace(fact, asserted_by="mlflow")})))

    assert graph.columns(["dvc://shop/a"]) == (fact, replace(fact, asserted_by="mlflow"))
    assert graph.columns(["dvc://shop/b"]) == (fact, replace(fact, asserted_by="mlflow"), whole)
    assert graph.columns(["dvc://shop/x"]) == ()
    assert graph.facts(["dvc://shop/b", "dvc://shop/c"]).columns == {whole}


def test_two_names_of_one_thing_lead_to_each_other_and_are_no_circle(graph):
    names = {Statement(one, other, Verb.ALTERNATE_OF, "spark") for one, other in permutations([B.uri, ALSO.uri])}
    graph.record(describe_derivation(B, data("a"), "dvc") | Facts(statements=frozenset(names), nodes=NODES))
    graph.record(describe_derivation(data("c"), ALSO, "dvc"))

    assert uris(graph.walk("dvc://shop/c", Direction.CAUSES, 9)) == ["a", "also", "b", "c"]
    assert uris(graph.walk("dvc://shop/a", Direction.EFFECTS, 9)) == ["a", "also", "b", "c"]
    with pytest.raises(CycleRefused):
        graph.record(describe_derivation(data("a"), B, "dvc"))
