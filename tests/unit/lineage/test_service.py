"""The use cases of lineage over fakes."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handrail.errors import InvalidInput, UnknownReference
from handrail.lineage.domain.errors import AmbiguousReference
from handrail.lineage.domain.facts import ActivityDetails
from handrail.lineage.domain.names import artifact_at, snapshot_uri
from handrail.refs import BentoTag, Deployment
from tests.fakes.effort import tried
from tests.fakes.lineage import BENTO, COMMIT, DEPLOYMENT, PERMIT, RUN, VERSION, open_in_memory, story

HERE = Path()
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


@pytest.fixture
def lineage():
    opened = open_in_memory({"p1": DEPLOYMENT.uri, "p2": DEPLOYMENT.uri, "lost": "deploy://local/flights/unknown"})
    for call in story(HERE):
        call(opened)
    return opened


def test_a_prediction_leads_back_to_commit_data_and_approvers(lineage):
    trace = lineage.trace("p1")

    uris = {node.uri for node in trace.nodes}
    assert (trace.prediction_id, trace.start) == ("p1", DEPLOYMENT.uri)
    assert {BENTO.uri, PERMIT.uri, VERSION.uri, RUN.uri, f"git://shop/{COMMIT}", "actor://registry/ann"} <= uris
    assert trace.nodes[0].uri == DEPLOYMENT.uri
    assert not trace.truncated
    assert trace.conflicts == ()


def test_the_spine_from_deployment_to_raw_data_is_proven(lineage):
    trace = lineage.trace("p1")
    proven = {(edge.effect, edge.cause) for edge in trace.edges if edge.proven}

    assert {(DEPLOYMENT.uri, BENTO.uri), (BENTO.uri, PERMIT.uri), (PERMIT.uri, VERSION.uri)} <= proven
    asserted = {(edge.effect.partition("://")[0], edge.cause.partition("://")[0]) for edge in trace.edges} - {
        (effect.partition("://")[0], cause.partition("://")[0]) for effect, cause in proven
    }
    assert asserted <= {
        ("approval", "actor"),
        ("approval", "policy"),
        ("dvc-stage", "git"),
        ("feast", "git"),
        ("dvc-stage", "feast"),
        ("feast", "feast"),
        ("dvc", "gx"),
    }


def test_a_raw_file_leads_forward_to_the_number_of_predictions(lineage):
    impact = lineage.impact("data/raw/2013-01.csv")

    assert impact.names["model-version"] == (VERSION.uri,)
    assert impact.predictions == {DEPLOYMENT.uri: 2}
    assert impact.total == 2


@pytest.mark.parametrize("ref", ["./data/raw", "data/raw", "dvc://shop/data/raw", "dvc://shop/data/raw@" + "0" * 31])
def test_a_folder_is_found_by_its_path_not_confused_with_its_files(lineage, ref):
    assert lineage.impact(ref).start.startswith("dvc://shop/data/raw@")


def test_a_snapshot_carries_the_impact_into_labels_and_reports(lineage):
    snapshot = artifact_at(snapshot_uri("shop", "sha256:aa"), "sha256:aa")
    labels = artifact_at("dvc://shop/data/labels/a.parquet@ee", "sha256:ee")
    report = artifact_at("evidently://shop/report/r1", "sha256:ff")
    lineage.record_report(report, snapshot)
    lineage.record_snapshot(snapshot, deployments=[DEPLOYMENT], labels=labels)

    reached = {node.uri for node in lineage.touched("data/raw").nodes}

    assert {snapshot.uri, labels.uri, report.uri} <= reached
    assert VERSION.uri in {node.uri for node in lineage.trace(report.uri).nodes}


@pytest.mark.parametrize("ref", ["nothing", "data/nothing", "dvc://shop/nothing", "deploy://local/flights/zzz", ""])
def test_an_unknown_name_is_one_sentence(lineage, ref):
    for ask in (lineage.trace, lineage.impact):
        if ref:
            with pytest.raises(UnknownReference, match=ref):
                ask(ref)
        else:
            with pytest.raises(InvalidInput):
                ask(ref)


def test_a_prediction_of_an_unrecorded_deployment_says_which(lineage):
    with pytest.raises(UnknownReference, match="deploy://local/flights/unknown"):
        lineage.trace("lost")


def test_a_prefix_of_several_versions_names_them(lineage):
    with pytest.raises(AmbiguousReference, match=r"2013-01\.csv.*2013-02\.csv"):
        lineage.impact("data/raw/2013")


def test_a_truncated_walk_says_so(lineage):
    assert lineage.trace("p1", max_nodes=3).truncated
    assert lineage.impact("data/raw", max_nodes=3).truncated
    with pytest.raises(InvalidInput, match="budget"):
        lineage.trace("p1", max_nodes=0)


def test_another_digest_for_the_same_name_is_shown_with_the_trace(lineage):
    lineage.derive(artifact_at(Deployment("local", "flights", "d2").uri), PERMIT)
    lineage.record_bento(
        BentoTag("flights", "b2"),
        artifact_at(PERMIT.uri, "sha256:" + "0" * 64),
        tree_digest="sha256:" + "1" * 64,
    )

    (finding,) = lineage.trace("p1").conflicts

    assert (finding.uri, finding.first, finding.others) == (PERMIT.uri, PERMIT.digest, ("sha256:" + "0" * 64,))
    assert lineage.findings() == (finding,)


def test_any_activity_can_be_recorded(lineage):
    lineage.record_activity(
        "prefect://s/flow-run/f1",
        "flow-run",
        used=[artifact_at("dvc://shop/x@aa")],
        generated=[artifact_at("dvc://shop/y@bb")],
        agents=["actor://s/ann"],
        details=ActivityDetails(started=NOON, asserted_by="prefect"),
    )

    trace = lineage.trace("dvc://shop/y")

    assert [node.kind for node in trace.nodes] == ["dvc-data", "flow-run", "actor", "dvc-data"]


def test_a_name_answers_what_it_pointed_at(lineage):
    lineage.point("deploy://local/flights", DEPLOYMENT, NOON, by="actor://s/ann")
    lineage.point("deploy://local/flights", None, NOON + timedelta(hours=1), by="actor://s/ann")

    assert lineage.pointer_at("deploy://local/flights", NOON).target == DEPLOYMENT.uri
    assert lineage.pointer_at("deploy://local/flights", NOON + timedelta(hours=2)).target is None
    assert lineage.pointer_at("deploy://local/flights", NOON - timedelta(hours=2)) is None
    assert len(lineage.pointer_history("deploy://local/flights")) == 2
    with pytest.raises(InvalidInput, match="time zone"):
        lineage.point("x", DEPLOYMENT, NOON.replace(tzinfo=None), by="actor://s/ann")


@tried(100)
@given(order=st.permutations(range(6)), again=st.lists(st.integers(0, 5), max_size=4))
def test_the_story_is_the_same_in_any_order(order, again):
    told, shuffled = open_in_memory({"p1": DEPLOYMENT.uri}), open_in_memory({"p1": DEPLOYMENT.uri})

    for number in range(6):
        story(HERE)[number](told)
    for number in [*order, *again]:
        story(HERE)[number](shuffled)

    assert shuffled.trace("p1") == told.trace("p1")
    assert shuffled.impact("data/raw") == told.impact("data/raw")
