"""The doctor finds every planted flaw, and nothing in a graph that is whole."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from handrail.lineage.adapters.openlineage.writer import write_events
from handrail.lineage.adapters.sql.audit import _QUERIES, SqlAudit
from handrail.lineage.adapters.sql.events import SqlEvents
from handrail.lineage.adapters.sql.graph import SqlGraph
from handrail.lineage.adapters.sql.pointers import SqlPointers
from handrail.lineage.adapters.sql.tables import metadata, node_id
from handrail.lineage.domain.facts import (
    ActivityDetails,
    Facts,
    NodeFact,
    activity_fact,
    describe_activity,
    describe_derivation,
)
from handrail.lineage.domain.flaws import Coverage, Flaw
from handrail.lineage.domain.graph import Pointer
from handrail.lineage.domain.names import agent_uri, artifact_at
from handrail.lineage.domain.records import describe_serving
from handrail.lineage.domain.vocabulary import Role
from handrail.lineage.ports import LineagePorts
from handrail.lineage.service.doctor import Doctor, DoctorPorts
from handrail.lineage.service.lineage import Lineage
from handrail.refs import BentoTag, Deployment, ModelVersion
from tests.fakes.lineage import (
    BENTO,
    DEPLOYMENT,
    PERMIT,
    RUN,
    STAGES,
    VERSION,
    PipelineInMemory,
    PredictionsInMemory,
    story,
)
from tests.fakes.lineage_events import PRODUCER, SPEC, a_dataset, a_run_event, a_run_id, read
from tests.fakes.lineage_stores import KINDS, an_empty_store, clear

pytestmark = pytest.mark.any_version

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
BOT = "actor://service/airflow"
TREE = "sha256:" + "77" * 32
PARENT = {
    "_producer": PRODUCER,
    "_schemaURL": SPEC,
    "run": {"runId": a_run_id(9)},
    "job": {"namespace": "n", "name": "p"},
}


@pytest.fixture(scope="module", params=KINDS)
def empty(request):
    with an_empty_store(request.param) as opened:
        yield opened


@pytest.fixture
def store(empty):
    """A store that holds the story of one model, a pointer to it, and one run from start to end."""
    clear(empty)
    graph = SqlGraph(empty)
    ports = LineagePorts(
        graph, SqlPointers(empty), PredictionsInMemory({}), PipelineInMemory(STAGES), "shop", write_events
    )
    for call in story(Path()):
        call(Lineage(ports))
    SqlPointers(empty).add(Pointer("mlflow alias flights@champion", VERSION.uri, NOON, PERMIT.uri))
    start = a_run_event(7, "START", [a_dataset("a")], eventTime="2026-11-23T11:00:00Z")
    SqlEvents(empty).add([read(start), read(a_run_event(7, outputs=[a_dataset("b")]))], BOT, ["marquez"])
    return empty


def flaws(store):
    return SqlAudit(store).flaws(NOON - timedelta(days=1))


def kinds(store):
    return {flaw.kind for flaw in flaws(store)}


def sql(text, **values):
    def plant(store):
        with store.write() as connection:
            connection.execute(sa.text(text), values)

    return plant


def facts(*given):
    return lambda store: SqlGraph(store).record(Facts.union(given))


def event(number, state="COMPLETE", **more):
    document = a_run_event(number, state, [a_dataset("a")]) | more
    return lambda store: SqlEvents(store).add([read(document)], BOT, ["marquez"])


def node(uri):
    return Facts(frozenset({NodeFact(uri, Role.ARTIFACT, artifact_at(uri).kind)}))


def row(table, **values):
    def plant(store):
        with store.write() as connection:
            connection.execute(metadata.tables[f"lineage_{table}"].insert(), values)

    return plant


A, B, RUN7 = (node_id(uri) for uri in ("s3://lake/a", "s3://lake/b", f"openlineage-run://{a_run_id(7)}"))
SECOND = ModelVersion("registry", "flights", 17, 2)
OTHER_TREE = artifact_at(f"tree://sha256/{'77' * 32}", TREE)
TRAINING = artifact_at("dvc://shop/data/training2@00")
JOB = {"namespace": "n", "name": "other"}
DECISION = activity_fact("approval://registry/request-2/decision", "promotion-decision")
ANN = agent_uri("registry", "ann")

PLANTED = {
    "run-without-data": facts(Facts(frozenset({activity_fact("mlflow://registry/run/empty")}))),
    "run-never-ended": event(1, "START", eventTime="2026-11-20T12:00:00Z"),
    "run-without-start": event(1),
    "ends-before-it-starts": facts(
        describe_activity(
            activity_fact("x://run", details=ActivityDetails(NOON, NOON - timedelta(hours=1))),
            [artifact_at("s3://lake/a")],
            [],
            [],
            "x",
        )
    ),
    "run-of-two-jobs": event(7, "OTHER", job=JOB),
    "job-without-data": facts(Facts(frozenset({activity_fact("openlineage-job://n/idle")}))),
    "unknown-parent": event(7, "OTHER", run={"runId": a_run_id(7), "facets": {"parent": PARENT}}),
    "edge-to-nowhere": row("edge", effect=A, cause=5, verb=3, proven=False),
    "edge-by-nobody": sql("delete from lineage_statement where effect = :b", b=B),
    "statement-without-edge": sql("delete from lineage_edge where effect = :b", b=B),
    "its-own-cause": row("edge", effect=A, cause=A, verb=3, proven=False),
    "verb-does-not-fit": row("edge", effect=A, cause=B, verb=1, proven=False),
    "pointer-to-nowhere": lambda store: SqlPointers(store).add(Pointer("x", "mlflow://gone/1", NOON, ANN)),
    "pointer-without-permit": lambda store: SqlPointers(store).add(
        Pointer("x", VERSION.uri, NOON, "approval://registry/none")
    ),
    "permit-without-decision": facts(describe_derivation(artifact_at("approval://g/1"), artifact_at(VERSION.uri), "x")),
    "decision-without-approver": facts(describe_activity(DECISION, [OTHER_TREE], [], [], "x")),
    "decision-without-policy": facts(describe_activity(DECISION, [OTHER_TREE], [], [ANN], "x")),
    "asserted-beside-the-gate": facts(
        describe_activity(
            activity_fact(f"{PERMIT.uri}/decision", "promotion-decision"), [], [], [agent_uri("registry", "eve")], BOT
        )
    ),
    "model-without-run": facts(
        describe_derivation(artifact_at(SECOND.uri), artifact_at(f"tree://sha256/{'0' * 64}"), "x")
    ),
    "features-lead-nowhere": facts(
        describe_activity(
            activity_fact("mlflow://registry/run/late"),
            [artifact_at("mlflow://registry/dataset/frame@0a1b")],
            [artifact_at("mlflow://registry/model/m-2")],
            [],
            "mlflow",
        )
        | Facts(frozenset({activity_fact("feast://shop/retrieval/r1")}))
    ),
    "model-of-no-data": facts(
        describe_activity(
            activity_fact("mlflow://registry/run/blind"),
            [artifact_at(f"git://shop/{'c' * 40}")],
            [artifact_at("mlflow://registry/model/m-1")],
            [],
            "mlflow",
        )
    ),
    "frame-is-not-its-file": facts(
        Facts(
            frozenset(
                {
                    activity_fact(
                        RUN.uri, details=ActivityDetails(attributes={"input.train.contradiction": "5 rows, not 4"})
                    )
                }
            )
        )
    ),
    "added-after-registration": facts(
        Facts(frozenset({activity_fact(RUN.uri, details=ActivityDetails(attributes={"later": "git://shop/1f"}))}))
    ),
    "model-without-tree": facts(describe_activity(activity_fact(RUN.uri), [], [artifact_at(SECOND.uri)], [], "mlflow")),
    "tree-from-nowhere": facts(node(OTHER_TREE.uri)),
    "bento-without-model": facts(node(BentoTag("flights", "b2").uri)),
    "validation-of-nothing": facts(node("gx://shop/validation/00")),
    "deployment-without-bento": facts(node(Deployment("local", "flights", "d2").uri)),
    "bento-without-permit": facts(node(BentoTag("flights", "b2").uri)),
    "snapshot-without-deployment": facts(node(f"feedback://shop/snapshot/{TREE}")),
    "report-without-snapshot": facts(node("evidently://shop/report/1")),
    "data-from-nowhere": facts(
        Facts(frozenset({NodeFact(TRAINING.uri, Role.ARTIFACT, "dvc-data", frozenset({("role", "training-set")}))}))
    ),
    "other-tree-than-the-bento": facts(describe_derivation(artifact_at(DEPLOYMENT.uri), OTHER_TREE, "bentoml")),
    "other-tree-than-the-model": facts(describe_serving(DEPLOYMENT, VERSION, tree_digest=f"sha256:{'77' * 32}")),
    "other-tree-than-the-permit": facts(describe_derivation(artifact_at(BENTO.uri), OTHER_TREE, "bentoml")),
    "event-without-sender": sql("delete from lineage_event_sender"),
    "queued-without-event": row(
        "outbox", sink="marquez", event_time="2026", state_rank=0, event_id="00", stream="x", refused=None
    ),
    "refused-by-a-sink": sql("update lineage_outbox set refused = 'HTTP 422'"),
    "wrong-id": sql("update lineage_node set uri = 's3://lake/moved' where id = :b", b=B),
    "circle": row("edge", effect=A, cause=B, verb=3, proven=False),
    "changed-event": sql("update lineage_event set body = replace(body, 'orders', 'others')"),
}


def test_every_kind_of_flaw_is_planted():
    assert set(PLANTED) == {*_QUERIES, "wrong-id", "changed-event", "circle"}


def test_a_whole_graph_has_no_flaw(store):
    assert flaws(store) == ()


@pytest.mark.parametrize("kind", PLANTED)
def test_a_planted_flaw_is_found(store, kind):
    PLANTED[kind](store)

    found = [flaw for flaw in flaws(store) if flaw.kind == kind]
    assert found
    assert all(flaw.detail not in ("", flaw.subject) for flaw in found)


def test_where_nobody_ever_permitted_anything_no_bento_lacks_a_permit(empty):
    clear(empty)
    PLANTED["bento-without-permit"](empty)

    assert kinds(empty) == {"bento-without-model"}


def changed_files(project):
    return (Flaw("bytes-changed", "data/raw", "it differs"),) if project == Path("changed") else ()


def a_doctor(store, counts):
    return Doctor(
        DoctorPorts(SqlGraph(store), SqlAudit(store), changed_files, tuple, {}, dict, lambda: counts, lambda: NOON)
    )


def found(store, counts, project="."):
    return [(flaw.kind, flaw.subject) for flaw in a_doctor(store, counts).check(Path(project))]


def test_predictions_that_lead_to_commit_and_data_are_well(store):
    assert found(store, {DEPLOYMENT.uri: 3, "deploy://local/flights/unused": 0}) == []


def test_coverage_counts_each_prediction_and_those_that_lead_to_commit_and_data(store):
    counts = {DEPLOYMENT.uri: 3, "deploy://local/flights/unused": 0, "deploy://gone": 4}

    assert a_doctor(store, counts).coverage() == Coverage(predictions=7, traced=3)


def test_predictions_that_lead_nowhere_are_found(store):
    other = Deployment("local", "flights", "d9").uri
    SqlGraph(store).record(describe_derivation(artifact_at(other), artifact_at("bento://flights/b9"), "bentoml"))

    assert ("unlinked-predictions", "deploy://gone") in found(store, {"deploy://gone": 1})
    assert ("predictions-without-commit", other) in found(store, {other: 1})

    SqlGraph(store).record(
        describe_derivation(artifact_at("bento://flights/b9"), artifact_at("git://shop/" + "ab" * 20), "bentoml")
    )
    assert ("predictions-without-data", other) in found(store, {other: 1})


def test_contradicting_digests_and_changed_bytes_are_reported_with_the_rest(store):
    SqlGraph(store).record(describe_derivation(artifact_at("x://y"), artifact_at(PERMIT.uri, TREE), "x"))

    assert found(store, {}, "changed") == [("bytes-changed", "data/raw"), ("two-digests", PERMIT.uri)]
