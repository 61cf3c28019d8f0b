"""How a trace is shown: from the prediction back to the commit."""

from itertools import permutations
from pathlib import Path

import pytest

from handrail.lineage.domain.answers import Trace
from handrail.lineage.domain.facts import ActivityDetails
from handrail.lineage.domain.graph import Direction, Edge, Node
from handrail.lineage.domain.names import artifact_at
from handrail.lineage.domain.sections import NOT_BY_THE_GATE, sections_of
from handrail.lineage.domain.vocabulary import Role, Verb
from tests.fakes.lineage import BENTO, DEPLOYMENT, INPUTS, PERMIT, RUN, open_in_memory, open_story, story


@pytest.fixture
def trace():
    lineage = open_story()
    return lineage.trace("p1")


def test_a_trace_is_shown_from_the_deployment_back_to_the_commit(trace):
    assert [section.title for section in sections_of(trace)] == [
        "deployment",
        "bento",
        "permit and approvers",
        "model version",
        "artifact tree",
        "MLflow run",
        "training set",
        "feature views",
        "validation",
        "stages and runs",
        "DVC data",
        "source files",
        "git commit",
    ]


def test_the_flow_run_that_ran_a_stage_is_shown():
    lineage = open_story()
    flow_run = "prefect://local/flow-run/f"
    lineage.record_activity(RUN, "tracking-run", details=ActivityDetails(within=[flow_run]))

    section = next(section for section in sections_of(lineage.trace("p1")) if section.title == "Prefect run")

    assert [hop.node.uri for hop in section.hops] == [flow_run]


def test_whatever_was_reached_is_shown(trace):
    told = [(hop.node.uri, section) for section in sections_of(trace) for hop in section.hops]
    folded = sum(section.folded for section in sections_of(trace))

    assert len(told) + folded == len(trace.nodes) == len({uri for uri, _ in told}) + folded


def test_an_activity_that_no_section_is_made_for_is_shown_among_stages_and_runs():
    lineage = open_in_memory()
    run, job, checkpoint = "openlineage-run://r1", "openlineage-job://prod/clean", "gx://shop/checkpoint/nightly/1"
    made = [artifact_at("s3://lake/clean"), artifact_at("gx://shop/validation/v1")]
    lineage.record_activity(run, "run", generated=made, details=ActivityDetails(within=[job]))
    lineage.record_activity(checkpoint, "checkpoint-run", generated=made[1:])
    for part in made:
        lineage.derive(artifact_at("s3://lake/all"), part)

    told = {
        section.title: {hop.node.uri for hop in section.hops} for section in sections_of(lineage.trace("s3://lake/all"))
    }

    assert told["stages and runs"] == {run, job}
    assert told["validation"] == {checkpoint, "gx://shop/validation/v1"}


def test_approvers_stand_with_the_permit(trace):
    section = sections_of(trace)[2]

    assert {hop.node.uri for hop in section.hops} >= {"actor://registry/ann", "actor://registry/bob"}


def test_an_approver_of_whom_the_gate_knows_nothing_is_shown_as_what_others_assert():
    lineage = open_story()
    evil = ActivityDetails(asserted_by="actor://service/evil")
    agents = ["actor://registry/eve", "actor://registry/ann"]
    lineage.record_activity(f"{PERMIT.uri}/decision", "promotion-decision", agents=agents, details=evil)

    trace = lineage.trace("p1")
    hops = {section.title: {hop.node.uri: hop.via for hop in section.hops} for section in sections_of(trace)}

    assert {"actor://registry/ann", "actor://registry/bob"} <= hops["permit and approvers"].keys()
    assert set(hops[NOT_BY_THE_GATE]) == {"actor://registry/eve"}
    eve = hops[NOT_BY_THE_GATE]["actor://registry/eve"]
    assert (eve.counts, eve.asserted_by) == (False, ("actor://service/evil",))


def test_what_the_gate_did_not_say_of_an_approval_is_not_proven_by_others():
    lineage = open_story()
    before = lineage.trace("p1").proven
    evil = ActivityDetails(asserted_by="actor://service/evil")
    lineage.record_activity(
        "approval://registry/forged/decision", "promotion-decision", generated=[PERMIT], details=evil
    )

    trace = lineage.trace("p1")

    (forged,) = [edge for edge in trace.edges if edge.cause == "approval://registry/forged/decision"]
    assert (forged.proven, forged.counts, trace.proven) == (True, False, before)


def test_who_only_ran_something_is_no_approver():
    lineage = open_story()
    lineage.record_activity(RUN, "tracking-run", agents=["actor://registry/eve"])

    told = {section.title: {hop.node.uri for hop in section.hops} for section in sections_of(lineage.trace("p1"))}

    assert told["who ran it"] == {"actor://registry/eve"}
    assert "actor://registry/eve" not in told["permit and approvers"]


def test_every_node_but_the_start_is_shown_with_the_hop_that_leads_to_it(trace):
    hops = [hop for section in sections_of(trace) for hop in section.hops]

    assert [hop.node.uri for hop in hops if hop.via is None] == [DEPLOYMENT.uri]
    assert all(hop.via.cause == hop.node.uri for hop in hops if hop.via)


NEAR, FAR, BEHIND, CAUSE = (f"s3://lake/{name}" for name in ("1-near", "2-far", "4-behind", "3-cause"))
HIDDEN, GATE_NEAR, GATE_FAR = "s3://lake/0-hidden", "approval://gate/1", "approval://gate/2"


def hop(effect, *, proven=False, by="dvc", cause=CAUSE):
    return Edge(effect, cause, Verb.DERIVED_FROM, proven, (by,))


def a_trace(nodes, edges):
    """Return a trace that starts at NEAR."""
    return Trace("x", NEAR, nodes, tuple(edges), prediction_id=None, truncated=False, conflicts=(), hidden=0)


@pytest.mark.parametrize(
    ("shown", "others"),
    [
        (hop(NEAR), [hop(FAR)]),
        (hop(FAR, proven=True), [hop(NEAR)]),
        (hop(NEAR, proven=True), [hop(FAR, proven=True)]),
        (hop(FAR), [hop(BEHIND)]),
        (hop(BEHIND, proven=True), [hop(FAR)]),
        (hop(FAR), [hop(GATE_NEAR, proven=True, by="x")]),
        (hop(GATE_NEAR, by="approvals"), [hop(FAR)]),
        (hop(GATE_NEAR, proven=True, by="approvals"), [hop(GATE_FAR, proven=True, by="approvals")]),
        (hop(GATE_NEAR, by="x"), []),
        (hop(HIDDEN), [hop(NEAR)]),
    ],
    ids=str,
)
def test_of_several_hops_to_a_node_the_best_is_shown(shown, others):
    """One that counts, then a proven one, then the nearest; what a filter hides is as near as can be."""
    order = [NEAR, GATE_NEAR, GATE_FAR, FAR, CAUSE, BEHIND]
    nodes = tuple(Node(uri, Role.ARTIFACT, "s3") for uri in order)

    for edges in permutations([shown, *others]):
        hops = [hop for section in sections_of(a_trace(nodes, edges)) for hop in section.hops]

        assert [each.via for each in hops if each.node.uri == CAUSE] == [shown]


def test_no_hop_leads_to_the_start_though_its_other_names_do():
    nodes = tuple(Node(uri, Role.ARTIFACT, "s3") for uri in (NEAR, FAR))
    names = [Edge(one, other, Verb.ALTERNATE_OF, False, ("x",)) for one, other in permutations((NEAR, FAR))]

    (section,) = sections_of(a_trace(nodes, names))

    assert [hop.via for hop in section.hops] == [None, names[0]]


def test_a_trace_forward_shows_the_hop_from_the_start_to_what_it_led_to():
    lineage = open_in_memory()
    for call in story(Path()):
        call(lineage)

    trace = lineage.trace(BENTO.uri, direction=Direction.EFFECTS)

    hops = {hop.node.uri: hop.via for section in sections_of(trace) for hop in section.hops}
    assert (hops[BENTO.uri].effect, hops[DEPLOYMENT.uri]) == (DEPLOYMENT.uri, None)


def test_the_way_to_the_commit_is_proven_by_the_source_files_of_the_stage(trace):
    (commit,) = sections_of(trace)[-1].hops

    assert commit.via.proven
    assert commit.via.effect.startswith("dvc-stage://shop/")


def test_the_run_leads_to_the_training_set_by_the_fingerprint_of_its_inputs(trace):
    edges = {(e.effect.partition("://")[0], e.cause.partition("@")[0]): e.proven for e in trace.edges}

    assert edges["mlflow", f"stage-inputs://sha256/{INPUTS}"]
    assert edges["stage-inputs", "dvc://shop/data/training"]


def test_what_one_witness_alone_says_is_not_proven(trace):
    alone = [edge for edge in trace.edges if edge.cause.startswith(("feast://", "gx://"))]

    assert alone
    assert not any(edge.proven for edge in alone)


def test_a_filtered_trace_is_distinguished_by_hops_from_what_it_hides():
    lineage = open_story()

    (section,) = sections_of(lineage.trace("p1", kinds=["git-commit"]))

    assert [hop.via.cause for hop in section.hops] == [section.hops[0].node.uri]
    assert section.hops[0].via.proven


def test_single_files_are_folded_into_their_folder(trace):
    section = next(section for section in sections_of(trace) if section.title == "DVC data")

    shown = [hop.node.attributes["path"] for hop in section.hops]
    assert sorted(shown) == ["data/raw", "data/validated", "data/validation.json", "models/package"]
    assert section.folded == 5
