"""What an event says of its datasets beside inputs and outputs: other names, renames, columns, explicit lineage."""

import json

import pytest

from handrail.lineage.adapters.openlineage.events import read_event
from handrail.lineage.adapters.openlineage.writer import write_events
from handrail.lineage.adapters.sql.events import SqlEvents
from handrail.lineage.adapters.sql.graph import SqlGraph
from handrail.lineage.domain.events import describe_event
from handrail.lineage.domain.facts import ColumnFact
from handrail.lineage.domain.graph import Direction
from tests.fakes.lineage_events import (
    PRODUCER,
    SPEC,
    a_dataset,
    a_dataset_event,
    a_job_event,
    a_run_event,
    a_run_id,
    read,
)
from tests.fakes.lineage_facts import NOON
from tests.fakes.lineage_stores import KINDS, an_empty_store, graph_of

pytestmark = pytest.mark.any_version

BOT = "actor://service/airflow"
RUN, JOB = f"openlineage-run://{a_run_id(1)}", "openlineage-job://airflow:%2F%2Fprod/clean%20orders"
STAMP = {"_producer": PRODUCER, "_schemaURL": SPEC}


def dataset(name, version=None, /, **facets):
    given = a_dataset(name, version)
    given["facets"] |= {key: STAMP | facet for key, facet in facets.items()}
    return given


def named(name, **more):
    return {"namespace": "s3://lake", "name": name} | more


def source(name, **more):
    return named(name, type="DATASET", **more)


def said(document):
    facts = describe_event(read(document), BOT)
    short = {each.uri: each.uri.rpartition("/")[2] for each in facts.nodes if each.uri not in (RUN, JOB)}
    short |= {RUN: "run", JOB: "job"}
    return {(short[s.effect], s.verb.word, short[s.cause]) for s in facts.statements} - {
        ("run", "associated_with", "job")
    }


def columns(document):
    facts = describe_event(read(document), BOT)
    return {
        (fact.column, fact.cause.removeprefix("s3://lake/"), fact.source, fact.how)
        for fact in facts.columns
        if fact.effect.startswith("s3://lake/out") and fact.asserted_by == BOT
    }


def test_symlinks_are_other_names_of_the_dataset_at_its_version():
    links = {"identifiers": [{"namespace": "hive://meta", "name": "db.out", "type": "TABLE"}, named("out", type="X")]}

    assert said(a_run_event(outputs=[dataset("out", "3", symlinks=links)])) == {
        ("out@3", "generated", "run"),
        ("out@3", "alternate_of", "db.out@3"),
        ("db.out@3", "alternate_of", "out@3"),
    }
    taken_back = links | {"_deleted": True}
    assert len(said(a_run_event(outputs=[dataset("out", symlinks=taken_back)]))) == 1


def test_a_renamed_dataset_was_derived_from_what_it_was_before():
    renamed = dataset(
        "out", lifecycleStateChange={"lifecycleStateChange": "RENAME", "previousIdentifier": named("old")}
    )

    assert ("out", "derived_from", "old") in said(a_run_event(outputs=[renamed]))
    assert said(a_dataset_event() | {"dataset": renamed}) == {("out", "derived_from", "old")}


@pytest.mark.parametrize("change", ["ALTER", "CREATE", "DROP", "OVERWRITE", "TRUNCATE", "RENAME"])
def test_what_happened_to_a_dataset_is_an_attribute_of_it(change):
    (output,) = read(
        a_run_event(outputs=[dataset("out", lifecycleStateChange={"lifecycleStateChange": change})])
    ).outputs

    assert ("lifecycle", change) in output.end.node.attributes


def test_the_parent_and_the_root_of_a_run_are_attributes_of_it():
    whole = {"run": {"runId": a_run_id(7)}, "job": {"namespace": "n", "name": "dag"}}
    root = {"run": {"runId": a_run_id(8)}, "job": {"namespace": "n", "name": "root"}}
    run = {"runId": a_run_id(1), "facets": {"parent": STAMP | whole | {"root": root}}}

    assert read(a_run_event() | {"run": run}).run.attributes == {
        "parent": f"openlineage-run://{a_run_id(7)}",
        "parent_job": "openlineage-job://n/dag",
        "root": f"openlineage-run://{a_run_id(8)}",
        "root_job": "openlineage-job://n/root",
    }


IDENTITY = {"type": "DIRECT", "subtype": "IDENTITY"}
COLUMNS = {
    "fields": {
        "total": {
            "inputFields": [named("in", field="amount", transformations=[IDENTITY]), named("out", field="total")]
        },
        "id": {"inputFields": [named("other", field="key")], "transformationType": "MASKED"},
    },
    "dataset": [named("in", field="day", transformations=[{"type": "INDIRECT", "subtype": "FILTER"}])],
}


def test_columns_lead_to_the_columns_that_they_came_from_and_to_datasets_that_the_event_does_not_list():
    document = a_run_event(inputs=[a_dataset("in", "7")], outputs=[dataset("out", columnLineage=COLUMNS)])

    assert columns(document) == {
        ("total", "in@7", "amount", "DIRECT:IDENTITY"),
        ("total", "out", "total", ""),
        ("id", "other", "key", "MASKED"),
        ("", "in@7", "day", "INDIRECT:FILTER"),
    }
    assert said(document) == {
        ("run", "used", "in@7"),
        ("out", "generated", "run"),
        ("out", "derived_from", "other"),
    }


def test_explicit_lineage_of_a_dataset_names_datasets_columns_and_jobs():
    facet = {
        "inputs": [source("in"), source("in", field="day"), {"type": "JOB"}],
        "fields": {"total": {"inputs": [source("other", field="amount", transformations=[IDENTITY])]}},
    }
    document = a_run_event(outputs=[dataset("out", lineage=facet)])

    assert said(document) >= {
        ("out", "derived_from", "in"),
        ("out", "derived_from", "other"),
        ("out", "generated", "run"),
    }
    assert columns(document) == {("", "in", "day", ""), ("total", "other", "amount", "DIRECT:IDENTITY")}


def with_entries(*entries):
    facets = {"lineage": STAMP | {"entries": list(entries)}}
    return {"job": {"namespace": "airflow://prod", "name": "clean orders", "facets": facets}}


def test_explicit_lineage_of_a_job_names_its_own_sources_and_those_of_datasets():
    entries = with_entries(
        {"type": "JOB", "inputs": [source("in")]},
        source("out", inputs=[source("in")], fields={"total": {"inputs": [source("in", field="amount")]}}),
    )

    assert said(a_job_event(**entries)) == {("job", "used", "in"), ("out", "derived_from", "in")}
    assert said(a_run_event(**entries)) == {("run", "used", "in"), ("out", "derived_from", "in")}
    assert columns(a_run_event(**entries)) == {("total", "in", "amount", "")}


def test_explicit_lineage_reads_the_old_version_and_makes_the_new_one():
    entries = with_entries(source("out", inputs=[source("out")]))

    both = a_run_event(inputs=[a_dataset("out", "1")], outputs=[a_dataset("out", "2")], **entries)

    assert ("out@2", "derived_from", "out@1") in said(both)


@pytest.mark.parametrize(
    ("bent", "path"),
    [
        ({"symlinks": {"identifiers": "none"}}, "symlinks"),
        ({"columnLineage": {"fields": {"a": {"inputFields": [{"name": "x"}]}}}}, "columnLineage"),
        ({"lineage": {"inputs": [{"type": "TABLE"}]}}, "lineage"),
        ({"lifecycleStateChange": {}}, "lifecycleStateChange"),
    ],
)
def test_a_bent_facet_of_these_costs_itself(bent, path):
    event = read(a_run_event(outputs=[dataset("out", **bent)]))

    assert [note.field for note in event.notes] == [f"outputs.0.facets.{path}"]
    assert not event.more


LINKS = {"identifiers": [{"namespace": "hive://meta", "name": "db.out", "type": "TABLE"}]}
WRITES = read(a_run_event(inputs=[a_dataset("in")], outputs=[dataset("out", symlinks=LINKS, columnLineage=COLUMNS)]))
READS = read(a_run_event(2, inputs=[a_dataset("db.out", namespace="hive://meta")], outputs=[a_dataset("report")]))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("events", [[WRITES, READS], [READS, WRITES]])
def test_both_names_of_a_dataset_lead_to_the_same_answers_whatever_came_first(kind, events):
    with an_empty_store(kind) as store:
        for event in events:
            SqlEvents(store).add([event], BOT, ())
        graph = SqlGraph(store)

        walks = {
            name: [{node.uri for node in graph.walk(name, direction, 99).nodes} for direction in Direction]
            for name in ("s3://lake/out", "hive://meta/db.out")
        }

        assert walks["s3://lake/out"] == walks["hive://meta/db.out"]
        causes, effects = walks["hive://meta/db.out"]
        assert {"s3://lake/in", "s3://lake/other"} <= causes
        assert "s3://lake/report" in effects
        assert "s3://lake/in" in {node.uri for node in graph.walk("s3://lake/report", Direction.CAUSES, 99).nodes}


@pytest.mark.parametrize("kind", KINDS)
def test_a_circle_over_two_names_is_taken_and_one_of_causes_still_left_out(kind):
    with an_empty_store(kind) as store:
        log = SqlEvents(store)
        log.add([WRITES], BOT, ())

        over_names = read(
            a_run_event(3, inputs=[a_dataset("db.out", namespace="hive://meta")], outputs=[a_dataset("out")])
        )
        back = read(a_run_event(4, inputs=[a_dataset("out")], outputs=[a_dataset("in")]))

        assert not log.add([over_names], BOT, ()).left_out
        assert log.add([back], BOT, ()).left_out == {back.event_id: ("used s3://lake/out",)}


@pytest.mark.parametrize("kind", KINDS)
def test_names_columns_and_states_are_known_to_another_store_from_what_was_exported(kind):
    with an_empty_store(kind) as here, an_empty_store(kind) as there:
        SqlEvents(here).add([WRITES, READS], BOT, ())
        graph = SqlGraph(here)
        uris = [node.uri for node in graph.walk("s3://lake/report", Direction.CAUSES, 99).nodes]

        for event in write_events(graph.facts(uris), NOON):
            SqlEvents(there).add([read_event(json.loads(event.body))], BOT, ())

        assert graph_of(there) == graph_of(here)
        assert SqlGraph(there).columns(uris) == graph.columns(uris)
        assert len(graph.columns(["s3://lake/out"])) == 4
        assert graph.columns(["s3://lake/other"]) == (
            ColumnFact("s3://lake/out", "id", "s3://lake/other", "key", "MASKED", BOT),
        )
