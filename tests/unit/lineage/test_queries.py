"""Filters, counts, pages, money and details, over fakes."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise, permutations
from pathlib import Path

import pytest

from handrail.errors import InvalidInput
from handrail.lineage.domain.facts import Facts, NodeFact, Statement
from handrail.lineage.domain.graph import Direction
from handrail.lineage.domain.names import artifact_at, snapshot_uri
from handrail.lineage.domain.vocabulary import Role, Verb
from handrail.lineage.service import queries
from tests.fakes.lineage import BENTO, COMMIT, DEPLOYMENT, PERMIT, VERSION, open_in_memory, story

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
SNAPSHOT = artifact_at(snapshot_uri("shop", "sha256:aa"), "sha256:aa")
REPORT = artifact_at("evidently://shop/report/r1", "sha256:ff")


@pytest.fixture
def lineage():
    opened = open_in_memory(
        {"p1": DEPLOYMENT.uri, "p2": DEPLOYMENT.uri},
        brought={DEPLOYMENT.uri: {"USD": Decimal("12.30"), "EUR": Decimal(5)}},
    )
    for call in story(Path()):
        call(opened)
    opened.record_snapshot(SNAPSHOT, deployments=[DEPLOYMENT])
    opened.record_report(REPORT, SNAPSHOT)
    return opened


@pytest.mark.parametrize(
    "ref", ["data/raw/2013-01.csv", COMMIT[:8], "actor://registry/ann", "feature_view/weather", PERMIT.uri]
)
def test_an_impact_ends_in_deployments_predictions_reports_and_money(lineage, ref):
    impact = lineage.impact(ref)

    assert impact.names["deployment"] == (DEPLOYMENT.uri,)
    assert impact.names["report"] == (REPORT.uri,)
    assert impact.names["feedback-snapshot"] == (SNAPSHOT.uri,)
    assert impact.total == 2
    assert impact.total_money == {"EUR": Decimal(5), "USD": Decimal("12.30")}
    assert impact.reached == sum(impact.kinds.values()) - 1 >= 4


def test_an_impact_names_the_kinds_that_it_is_asked_for(lineage):
    impact = lineage.impact("data/raw/2013-01.csv", kinds=["bento", "model-version"])

    assert dict(impact.names) == {"bento": (BENTO.uri,), "model-version": (VERSION.uri,)}
    assert impact.predictions == {DEPLOYMENT.uri: 2}, "whatever is shown"


def test_an_impact_names_what_there_is_little_of_and_leaves_itself_out_of_the_counts(lineage):
    for number in range(11):
        lineage.derive(artifact_at(f"s3://lake/copy-{number:02}"), REPORT)
    validations = [artifact_at(f"gx://shop/validation/v{number}") for number in range(10)]
    for validation in validations:
        lineage.derive(validation, REPORT)

    impact = lineage.impact(REPORT.uri)

    assert impact.names["validation"] == tuple(each.uri for each in validations)
    assert "s3" not in impact.names
    assert impact.counts == {"s3": 11, "validation": 10}
    assert (impact.kind, impact.reached) == ("report", 21)


def test_an_impact_to_a_depth_counts_only_what_is_so_near(lineage):
    near = lineage.impact(BENTO.uri, depth=1)

    assert near.kinds == {"bento": 1, "deployment": 1}
    assert near.reached == 1
    assert not near.truncated


def test_a_trace_shows_the_kinds_that_it_is_asked_for_with_the_hops_that_lead_there(lineage):
    whole, commits = lineage.trace("p1"), lineage.trace("p1", kinds=["git-commit", "model-version"])

    assert {node.kind for node in commits.nodes} == {"git-commit", "model-version"}
    assert commits.hidden == len(whole.nodes) - len(commits.nodes)
    assert {edge.cause for edge in commits.edges} == {node.uri for node in commits.nodes}
    assert lineage.trace("p1", kinds=["report"]).nodes == (), "a kind that Handrail knows and this has not"


def test_a_trace_to_a_depth_stops_there(lineage):
    trace = lineage.trace("p1", depth=1)

    assert {node.kind for node in trace.nodes} <= {"deployment", "bento", "artifact-tree"}
    assert not trace.truncated


def test_a_trace_can_go_forward(lineage):
    forward = lineage.trace(BENTO.uri, direction=Direction.EFFECTS)

    assert [node.kind for node in forward.nodes][:2] == ["bento", "deployment"]
    assert REPORT.uri in {node.uri for node in forward.nodes}


@pytest.mark.parametrize("kind", ["modle", "Model-Version", "'; drop table x", "x" * 300])
def test_a_kind_that_nobody_knows_is_refused_with_those_that_were_reached(lineage, kind):
    for ask in (lineage.trace, lineage.impact, lineage.touched):
        with pytest.raises(InvalidInput, match=r"^kind: .*is not a kind\. Reached were: .*deployment"):
            ask(BENTO.uri if ask != lineage.trace else "p1", kinds=[kind])


def test_a_refused_kind_is_shown_by_its_first_60_characters(lineage):
    with pytest.raises(InvalidInput, match=f"^kind: '{'x' * 60}' is not a kind"):
        lineage.impact(BENTO.uri, kinds=["x" * 61])


@pytest.mark.parametrize(
    ("kind", "problem"), [("a\x00b", "holds control characters"), ("", "it is empty"), ("x" * 2049, "is too long")]
)
def test_a_kind_that_can_be_none_is_refused(lineage, kind, problem):
    for ask in (lineage.impact, lineage.touched):
        with pytest.raises(InvalidInput, match=f"^kind: .*{problem}"):
            ask(BENTO.uri, kinds=[kind])
    with pytest.raises(InvalidInput, match="^kind: "):
        lineage.trace(BENTO.uri, kinds=[kind])


@pytest.mark.parametrize("depth", [0, -1])
def test_a_depth_is_at_least_one(lineage, depth):
    for ask in (lineage.trace, lineage.impact, lineage.touched):
        with pytest.raises(InvalidInput, match="^depth: "):
            ask(BENTO.uri, depth=depth)


def test_pages_cover_what_was_reached_once(lineage):
    first = lineage.touched("data/raw/2013-01.csv", limit=4)
    pages = [first]
    while pages[-1].next:
        pages.append(lineage.touched("data/raw/2013-01.csv", limit=4, after=pages[-1].next))

    uris = [node.uri for page in pages for node in page.nodes]
    assert uris == sorted(set(uris))
    assert len(uris) == lineage.impact("data/raw/2013-01.csv").reached + 1
    assert [node.uri for node in lineage.touched(BENTO.uri, kinds=["report"]).nodes] == [REPORT.uri]


@pytest.mark.parametrize("limit", [1, 1000])
def test_a_page_has_1_to_1000_nodes(lineage, limit):
    page = lineage.touched(BENTO.uri, limit=limit)

    assert len(page.nodes) == min(limit, lineage.impact(BENTO.uri).reached + 1)
    assert (page.next is None) == (limit == 1000)


@pytest.mark.parametrize(
    ("field", "asked"), [("limit", {"limit": 0}), ("limit", {"limit": 1001}), ("after", {"after": "\x00"})]
)
def test_a_page_that_cannot_be_is_refused(lineage, field, asked):
    with pytest.raises(InvalidInput, match=f"^{field}: "):
        lineage.touched(BENTO.uri, **asked)


def test_a_portrait_holds_direct_causes_and_effects_with_who_says_so(lineage):
    details = lineage.show(BENTO.uri)

    assert (details.node.uri, details.node.kind) == (BENTO.uri, "bento")
    assert {edge.effect for edge in details.causes} == {BENTO.uri}
    assert PERMIT.uri in {edge.cause for edge in details.causes}
    assert {edge.effect for edge in details.effects} == {DEPLOYMENT.uri}
    assert all(edge.asserted_by for edge in (*details.causes, *details.effects))
    assert lineage.show("p1").node.uri == DEPLOYMENT.uri


def test_the_details_show_where_names_pointed_and_findings(lineage):
    lineage.point("mlflow alias flights@champion", VERSION, NOON, by=PERMIT.uri)
    lineage.point(
        "mlflow alias flights@champion",
        "mlflow://registry/registered/flights/17/2",
        NOON + timedelta(days=1),
        by="actor://s/bob",
    )
    lineage.point("other", BENTO, NOON, by="actor://s/bob")
    lineage.derive(artifact_at("bento://flights/b9"), artifact_at(PERMIT.uri, "sha256:" + "0" * 64))

    (period,) = lineage.show(VERSION.uri).pointers

    assert (period.name, period.since, period.until) == (
        "mlflow alias flights@champion",
        NOON,
        NOON + timedelta(days=1),
    )
    assert lineage.show(PERMIT.uri).conflicts[0].others == ("sha256:" + "0" * 64,)
    assert lineage.show(PERMIT.uri).pointers == ()


def with_names(lineage, *uris):
    """Record that these URIs in a row are names of one thing, each beside the next."""
    pairs = [pair for both in pairwise(uris) for pair in permutations(both)]
    names = {Statement(one, other, Verb.ALTERNATE_OF, "spark") for one, other in pairs}
    nodes = {NodeFact(uri, Role.ARTIFACT, artifact_at(uri).kind) for uri in uris}
    lineage.record(Facts(frozenset(nodes), frozenset(names)))


@pytest.mark.parametrize("asked", ["s3://lake/a", "hive://meta/a", "gs://lake/a"])
def test_a_portrait_holds_what_leads_to_and_from_any_name_of_the_thing(lineage, asked):
    names = ["s3://lake/a", "hive://meta/a", "gs://lake/a"]
    with_names(lineage, *names)
    lineage.derive(artifact_at("s3://lake/a"), artifact_at("s3://lake/before"))
    lineage.derive(artifact_at("s3://lake/before"), artifact_at("s3://lake/far"))
    lineage.derive(artifact_at("s3://lake/after"), artifact_at("gs://lake/a"))

    details = lineage.show(asked)

    assert details.node.uri == asked
    assert details.alternates == tuple(sorted(set(names) - {asked}))
    assert [edge.cause for edge in details.causes] == ["s3://lake/before"]
    assert [edge.effect for edge in details.effects] == ["s3://lake/after"]
    assert not details.truncated


def test_a_portrait_of_more_neighbours_than_are_read_says_so(lineage, monkeypatch):
    for number in range(3):
        lineage.derive(artifact_at(f"s3://lake/copy-{number}"), artifact_at("s3://lake/a"))
    whole = lineage.show("s3://lake/a")

    monkeypatch.setattr(queries, "NEARBY", 3)

    assert (len(whole.effects), whole.truncated) == (3, False)
    assert lineage.show("s3://lake/a").truncated
    monkeypatch.setattr(queries, "NEARBY", 4)
    assert not lineage.show("s3://lake/a").truncated


def test_names_that_point_here_are_followed_while_they_do(lineage):
    lineage.point("mlflow alias flights@champion", VERSION, NOON, by="actor://s/bob")
    lineage.point("mlflow alias flights@old", VERSION, NOON, by="actor://s/bob")
    lineage.point("mlflow alias flights@old", None, NOON + timedelta(days=1), by="actor://s/bob")

    assert lineage.show("models:/flights@champion").followed == ("mlflow alias flights@champion",)
    assert lineage.show("champion").followed == ("mlflow alias flights@champion",)
    assert lineage.show(VERSION.uri).followed == ()
    assert len(lineage.show(VERSION.uri).pointers) == 2
    assert replace(lineage.show(VERSION.uri), ref="old").followed == (), "it points nowhere now"
