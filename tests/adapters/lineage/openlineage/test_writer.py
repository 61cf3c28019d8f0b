"""What is recorded goes out as OpenLineage events, and all of it can be read back from them."""

import json
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given
from jsonschema import Draft202012Validator

from handrail.errors import InvalidInput
from handrail.lineage.adapters.openlineage.events import read_event
from handrail.lineage.adapters.openlineage.writer import MOST_BYTES, write_events
from handrail.lineage.domain.contents import merge_nodes
from handrail.lineage.domain.events import describe_event
from handrail.lineage.domain.facts import (
    ActivityDetails,
    Facts,
    activity_fact,
    describe_activity,
    describe_derivation,
    describe_membership,
)
from handrail.lineage.domain.names import artifact_at
from handrail.lineage.domain.pipeline import describe_pipeline
from handrail.lineage.domain.records import (
    describe_bento,
    describe_deployment,
    describe_permit,
    describe_registration,
    describe_report,
    describe_snapshot,
)
from handrail.refs import ArtifactVersion
from tests.fakes.lineage import BENTO, COMMIT, DEPLOYMENT, PERMIT, RUN, STAGES, VERSION, PipelineInMemory
from tests.fakes.lineage_facts import facts
from tests.fakes.openlineage_schemas import SCHEMAS, faults, our_facets

pytestmark = pytest.mark.any_version

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
THERE = "actor://service/elsewhere"
TREE = "sha256:" + "7e" * 32
SNAPSHOT = artifact_at("feedback://shop/snapshot/sha256:" + "5a" * 32, "sha256:" + "5a" * 32)
REPORT = artifact_at("evidently://shop/report/r1", "sha256:" + "4e" * 32)
LOOP = Facts.union(
    [
        describe_pipeline(PipelineInMemory(STAGES).read(Path(), COMMIT)),
        describe_registration(VERSION, tree_digest=TREE, run=RUN),
        describe_permit(
            PERMIT,
            VERSION,
            tree_digest=TREE,
            policy_digest="sha256:" + "5f" * 32,
            approvers=["actor://registry/ann", "actor://registry/bob"],
        ),
        describe_bento(BENTO, PERMIT, tree_digest=TREE, digest="sha256:" + "be" * 32),
        describe_deployment(DEPLOYMENT, BENTO, bento_digest="sha256:" + "be" * 32, tree_digest=TREE),
        describe_snapshot(
            SNAPSHOT, labels=artifact_at("dvc://shop/labels.parquet@" + "1a" * 16), deployments=[DEPLOYMENT]
        ),
        describe_report(REPORT, SNAPSHOT),
    ]
)


def write(told, at=NOW):
    return write_events(told, at)


def documents(told):
    return [json.loads(event.body) for event in write(told)]


def read_back(told):
    return Facts.union(describe_event(read_event(document), THERE) for document in documents(told))


def anonymous(told):
    """What facts say, whoever says so."""
    said = {(s.effect, s.cause, s.verb, s.effect_digest, s.cause_digest, s.agreed) for s in told.statements}
    return set(merge_nodes(told.nodes)), said


@given(facts())
def test_everything_recorded_can_be_read_back_from_the_events(told):
    again = read_back(told)

    assert anonymous(again) == anonymous(told)
    assert {statement.asserted_by for statement in again.statements} <= {THERE}


@given(facts())
def test_every_facet_fits_the_schema_that_it_names(told):
    for document in documents(told):
        assert [fault for _, facet in our_facets(document) for fault in faults(facet)] == []


@given(facts())
def test_an_event_is_kept_as_the_reader_would_read_it(told):
    for event in write(told):
        read = read_event(json.loads(event.body))
        assert (read.event_id, read.time, read.stream, read.rank) == (
            event.event_id,
            event.time,
            event.stream,
            event.rank,
        )
        assert len(event.body.encode()) <= MOST_BYTES


def test_the_whole_loop_can_be_read_back_with_every_facet_in_it():
    assert anonymous(read_back(LOOP)) == anonymous(LOOP)

    used = {facet["_schemaURL"].partition("#")[0] for doc in documents(LOOP) for _, facet in our_facets(doc)}
    assert used == set(SCHEMAS)


def test_the_same_facts_make_the_same_events_whatever_their_order():
    assert write(LOOP) == write(Facts.union([LOOP, LOOP]))
    assert len({event.event_id for event in write(LOOP)}) == len(write(LOOP))


def facet(key, name):
    """The richest facet of that key on a dataset or artifact whose URI holds `name`."""
    found = [
        dataset["facets"][key]
        for document in documents(LOOP)
        for dataset in (*document.get("inputs", ()), *document.get("outputs", ()))
        if key in dataset["facets"] and name in dataset["facets"]["handrail_artifact"]["uri"]
    ]
    told = max(found, key=len)
    return {name: value for name, value in told.items() if not name.startswith("_")}


def test_what_machine_learning_knows_is_said_in_its_words():
    assert facet("handrail_modelVersion", "registered") == {
        "server": "registry",
        "name": "flights",
        "epoch": 17,
        "version": 1,
        "treeDigest": TREE,
    }
    training = facet("handrail_trainingSet", "data/training")
    assert (training["path"], training["repository"]) == ("data/training", "shop")
    assert training["featureService"].startswith("feast://shop/feature_service/flights_v1@")
    assert len(training["featureViews"]) == 1
    assert facet("handrail_featureService", "flights_v1")["featureViews"] == training["featureViews"]
    assert facet("handrail_featureView", "weather") == {"project": "shop", "name": "weather", "specHash": "bb" * 32}
    assert facet("handrail_approval", "approval")["approvers"] == ["actor://registry/ann", "actor://registry/bob"]
    assert facet("handrail_deployment", "deploy") == {
        "environment": "local",
        "service": "flights",
        "deployment": "d1",
        "bento": BENTO.uri,
        "treeDigest": TREE,
    }
    assert facet("handrail_monitoring", "feedback")["about"] == [DEPLOYMENT.uri]
    assert facet("handrail_monitoring", "evidently") == {
        "subject": "report",
        "scope": "shop",
        "id": "r1",
        "about": [SNAPSHOT.uri],
    }


def test_others_read_inputs_outputs_versions_and_jobs_that_go_on():
    (event,) = [
        document
        for document in documents(LOOP)
        if document["job"]["name"] == "validate" and document["job"]["namespace"] == "dvc-stage://shop"
    ]

    named = {(each["namespace"], each["name"]): each["facets"].get("version") for each in event["inputs"]}
    assert named["dvc://shop", "data/raw"]["datasetVersion"] == f"{1:032x}.dir"
    assert ("git://shop", COMMIT) in named
    assert {each["name"] for each in event["outputs"]} == {"data/validated", "data/validation.json"}
    assert event["eventType"] == "COMPLETE"
    names = Counter(document["job"]["name"] for document in documents(LOOP))
    assert names["tracking-run"] == 1, "a run without a plan is named by what it is"


def test_an_event_has_the_time_at_which_its_activity_ended():
    ended = NOW - timedelta(hours=3)
    stage = activity_fact("airflow://prod/run/17", "airflow-run", ActivityDetails(ended=ended))
    told = describe_activity(stage, [], [artifact_at("s3://lake/a")], [], "x")

    (event,) = write(told | describe_derivation(artifact_at("s3://lake/b"), artifact_at("s3://lake/a"), "x"))[:1]

    assert event.time == ended
    assert event.run.run_id == write(told, NOW + timedelta(days=1))[0].run.run_id


def test_a_run_that_came_as_an_event_goes_out_under_its_own_id():
    run = "00000000-0000-0000-0000-000000000007"
    (event,) = write(Facts(frozenset({activity_fact(f"openlineage-run://{run}")})))

    assert event.run.run_id == run


@pytest.mark.parametrize("folder", [True, False])
def test_what_is_too_large_for_one_event_is_sent_in_several(folder):
    files = [artifact_at(f"dvc://shop/data/{n}.csv@{n:032x}", f"sha256:{n:064x}") for n in range(4000)]
    whole = artifact_at("dvc://shop/data@ff.dir", "md5:ff")
    told = Facts.union(describe_derivation(whole, file, "dvc", agreed=file.digest) for file in files)
    if not folder:
        told = describe_activity(activity_fact("dvc-stage://shop/split@1"), files, [whole, *files[::-1]][:1], [], "dvc")
        told |= describe_activity(activity_fact("dvc-stage://shop/glue@1"), [], files, ["actor://a/b"], "dvc")

    events = write(told)

    assert len(events) > 2
    assert max(len(event.body.encode()) for event in events) <= MOST_BYTES
    assert len({event.run.run_id for event in events}) == (1 if folder else 2)
    assert anonymous(read_back(told)) == anonymous(told)


def test_several_values_of_an_attribute_all_go_out():
    told = describe_derivation(
        ArtifactVersion("s3://lake/a", "data", None, {"who": "ann"}), artifact_at("s3://lake/b"), "x"
    ) | describe_derivation(
        ArtifactVersion("s3://lake/a", "data", None, {"who": "bob", "n": "1"}), artifact_at("s3://lake/b"), "x"
    )

    (document,) = documents(told)

    assert document["outputs"][0]["facets"]["handrail_artifact"]["attributes"] == {"n": "1", "who": ["ann", "bob"]}


@cache
def examples():
    """The richest facet of each key, and where in its event it stands."""
    found = {}
    for document in documents(LOOP):
        for key, each in our_facets(document):
            if len(each) > len(found.get(key, ({},))[0]):
                found[key] = each, document
    return found


@pytest.mark.parametrize(
    ("key", "field"),
    [(key, field) for key, (told, _) in sorted(examples().items()) for field in sorted(told.keys() - {"_schemaURL"})],
)
def test_a_facet_that_breaks_its_schema_is_refused_by_its_name(key, field):
    told, document = examples()[key]
    broken = json.loads(json.dumps(document).replace(json.dumps(told), json.dumps(told | {field: {"no": 1}})))

    assert faults(told | {field: {"no": 1}}) != []
    with pytest.raises(InvalidInput) as refused:
        read_event(broken)

    assert f"acets.{key}.{field}" in refused.value.field


def test_schemas_are_named_as_openlineage_asks():
    for name, schema in SCHEMAS.items():
        Draft202012Validator.check_schema(schema)
        ((defined, body),) = schema["$defs"].items()
        ((key, reference),) = schema["properties"].items()
        assert name.endswith(f"/1-0-0/{defined}.json")
        assert reference["$ref"] == f"#/$defs/{defined}"
        part = key.removeprefix("handrail_")
        entity = body["allOf"][0]["$ref"].rpartition("/")[2]
        assert defined == f"Handrail{part[0].upper()}{part[1:]}{entity}"


@pytest.mark.parametrize(
    ("details", "state"),
    [
        (ActivityDetails(), "COMPLETE"),
        (ActivityDetails(started=NOW, ended=NOW), "COMPLETE"),
        (ActivityDetails(started=NOW), "RUNNING"),
        (ActivityDetails(ended=NOW, attributes={"state": "FAIL"}), "FAIL"),
        (ActivityDetails(ended=NOW, attributes={"state": "of the art"}), "COMPLETE"),
        (ActivityDetails(attributes={"outcome": "failed"}), "FAIL"),
    ],
)
def test_a_run_that_goes_on_or_failed_is_not_called_complete(details, state):
    (event,) = write(Facts(frozenset({activity_fact("prefect://s/task-run/1", details=details)})))

    assert json.loads(event.body)["eventType"] == event.run.state.value == state


def test_what_openlineage_has_words_for_is_said_in_them_too():
    data = ArtifactVersion("s3://lake/a@1", "data", None, {"rows": "12"})
    told = describe_activity(
        activity_fact("prefect://s/task-run/1"), [data], [replace(data, uri="s3://lake/b")], [], "p"
    )

    (document,) = documents(told | describe_membership("prefect://s/task-run/1", ["prefect://s/flow-run/2"], "p"))

    assert document["inputs"][0]["inputFacets"]["inputStatistics"]["rowCount"] == 12
    assert document["outputs"][0]["outputFacets"]["outputStatistics"]["rowCount"] == 12
    (whole,) = write(Facts(frozenset({activity_fact("prefect://s/flow-run/2")})))
    assert document["run"]["facets"]["parent"]["run"]["runId"] == whole.run.run_id
    assert document["job"]["facets"]["jobType"]["jobType"] == "task-run"
