"""What every event log promises: sets of events, each counted once, all of a batch or none."""

from contextlib import nullcontext
from itertools import permutations

import pytest

from handrail.lineage.adapters.grouped_events import GroupedLog
from handrail.lineage.adapters.sql.events import SqlEvents
from handrail.lineage.adapters.sql.graph import SqlGraph
from handrail.lineage.domain.graph import Direction, Reachable
from tests.fakes.lineage_events import (
    PRODUCER,
    SPEC,
    EventsInMemory,
    a_dataset,
    a_dataset_event,
    a_job_event,
    a_run_event,
    a_run_id,
    read,
)
from tests.fakes.lineage_stores import KINDS, an_empty_store

ACTIVITY = {"_producer": PRODUCER, "_schemaURL": SPEC, "attributes": {"state": "FAIL"}}
ANN, BOT = "actor://person/ann", "actor://service/airflow"
START = read(a_run_event(state="START", inputs=[a_dataset("orders", "7")]))
END = read(a_run_event(state="COMPLETE", outputs=[a_dataset("clean", "8")]))


@pytest.fixture(params=["memory", "grouped", *KINDS])
def log_and_graph(request):
    opened = nullcontext() if request.param in ("memory", "grouped") else an_empty_store(request.param)
    with opened as store:
        if store:
            yield SqlEvents(store), SqlGraph(store)
        else:
            memory = EventsInMemory()
            yield GroupedLog(memory) if request.param == "grouped" else memory, memory.graph


def test_events_become_runs_jobs_and_datasets_with_their_versions(log_and_graph):
    log, graph = log_and_graph

    assert log.add([START, END], BOT, []).new == {START.event_id, END.event_id}

    walk = graph.walk("s3://lake/clean@8", Direction.CAUSES, 9)
    assert {(node.uri.rpartition("/")[2], node.kind) for node in walk.nodes} == {
        ("clean@8", "s3"),
        ("orders@7", "s3"),
        (START.run.run_id, "run"),
        ("clean%20orders", "job"),
    }
    assert {edge.asserted_by for edge in walk.edges} == {(BOT,)}


def test_a_repeated_event_counts_once_whoever_sends_it_and_all_senders_are_named(log_and_graph):
    log, graph = log_and_graph
    log.add([START, END], BOT, [])

    assert log.add([START, START], BOT, []).new == set()
    assert log.add([START], ANN, []).new == set()

    told = {edge.asserted_by for edge in graph.walk("s3://lake/clean@8", Direction.CAUSES, 9).edges}
    assert told == {(BOT,), (ANN, BOT)}


def a_state(state, minute, **facets):
    run = {"runId": a_run_id(1), "facets": facets}
    ends = {"inputs": [a_dataset("in")], "outputs": [a_dataset("out")]}
    return read(a_run_event(state=state, eventTime=f"2026-11-23T12:{minute:02}:00Z", **ends) | {"run": run})


@pytest.mark.parametrize("states", list(permutations(["START", "RUNNING", "FAIL"])) + [("ABORT", "START")])
def test_a_run_has_the_greatest_state_that_was_reported_in_any_order(log_and_graph, states):
    log, graph = log_and_graph
    for minute, state in enumerate(states):
        log.add([a_state(state, minute)], BOT, [])

    (run,) = (node for node in graph.walk("s3://lake/out", Direction.CAUSES, 9).nodes if node.kind == "run")
    tally = graph.tally(Reachable("s3://lake/in", Direction.EFFECTS, 9))
    (fact,) = (node for node in graph.facts([run.uri]).nodes)

    last = "FAIL" if "FAIL" in states else "ABORT"
    assert run.attributes["state"] == last
    assert ("state", last) in fact.attributes
    assert tally.failed == (run.uri,)


def test_a_run_that_completed_after_a_failure_has_not_failed_and_its_error_stays(log_and_graph):
    log, graph = log_and_graph
    log.add([a_state("FAIL", 1, errorMessage={"message": "disk full", "programmingLanguage": "JAVA"})], BOT, [])
    log.add([a_state("COMPLETE", 2, handrail_activity=ACTIVITY)], BOT, [])

    (run,) = (node for node in graph.walk("s3://lake/out", Direction.CAUSES, 9).nodes if node.kind == "run")

    assert (run.attributes["state"], run.attributes["error"]) == ("COMPLETE", "disk full")
    assert graph.tally(Reachable("s3://lake/in", Direction.EFFECTS, 9)).failed == ()


def uris_above(graph, uri):
    return {node.uri for node in graph.walk(uri, Direction.CAUSES, 99).nodes}


def merge(run, state, *reads, writes=()):
    ends = [a_dataset(name) for name in reads], [a_dataset(name) for name in writes]
    return read(a_run_event(run, state, *ends))


TARGET, SOURCE = "s3://lake/target", "s3://lake/source"


@pytest.mark.parametrize(
    "events",
    [
        [merge(1, "START", "target", "source", writes=["target"]), merge(1, "COMPLETE", writes=["target"])],
        [merge(1, "START", "target", "source"), merge(1, "COMPLETE", writes=["target"])],
        [merge(1, "COMPLETE", writes=["target"]), merge(1, "START", "source", "target")],
        [merge(1, "COMPLETE", "source", "target", writes=["target"])],
    ],
)
@pytest.mark.parametrize("at_once", [True, False])
def test_a_run_that_merges_into_a_table_leads_from_it_to_what_was_merged(log_and_graph, events, at_once):
    log, graph = log_and_graph

    stored = [log.add(part, BOT, []) for part in ([events] if at_once else [[event] for event in events])]

    assert uris_above(graph, TARGET) >= {TARGET, SOURCE, f"openlineage-run://{events[0].run.run_id}"}
    assert f"used {TARGET}" in stored[-1].left_out[events[-1].event_id]
    (run,) = (node for node in graph.walk(TARGET, Direction.CAUSES, 99).nodes if node.kind == "run")
    assert run.attributes["left_out"] == f"used {TARGET}"
    assert TARGET not in uris_above(graph, run.uri)
    assert log.add(events[-1:], BOT, []).left_out == {events[-1].event_id: (f"used {TARGET}",)}, "when repeated too"


def test_tables_that_are_swapped_daily_keep_the_edges_that_close_no_circle(log_and_graph):
    log, graph = log_and_graph
    for day in range(3):
        log.add([merge(10 * day + 1, "COMPLETE", "target", "source", writes=["copy"])], BOT, [])
        back = merge(10 * day + 2, "COMPLETE", "copy", f"news {day}", writes=["target"])
        assert log.add([back], BOT, []).left_out == {back.event_id: ("used s3://lake/copy",)}

    assert {"s3://lake/news%202", SOURCE, TARGET} <= uris_above(graph, "s3://lake/copy")
    assert "s3://lake/news%200" in uris_above(graph, TARGET)


def test_a_plan_that_reads_what_its_runs_write_gives_way_to_them(log_and_graph):
    log, graph = log_and_graph
    log.add([read(a_job_event([a_dataset("target"), a_dataset("source")]))], BOT, [])
    writes = merge(1, "COMPLETE", writes=["target"])

    assert log.add([writes], BOT, []).left_out == {writes.event_id: (f"used {TARGET}",)}

    assert SOURCE in uris_above(graph, TARGET)


def test_a_job_that_reads_what_it_writes_leaves_out_that_read(log_and_graph):
    log, graph = log_and_graph
    event = read(a_job_event([a_dataset("target"), a_dataset("source")], [a_dataset("target")]))

    assert log.add([event], BOT, []).left_out == {event.event_id: (f"used {TARGET}",)}

    assert SOURCE in uris_above(graph, TARGET)


def test_a_job_event_and_a_dataset_event_need_no_run(log_and_graph):
    log, graph = log_and_graph

    log.add([read(a_job_event([a_dataset("in")], [a_dataset("out")])), read(a_dataset_event("alone"))], BOT, [])

    assert len(graph.walk("s3://lake/out", Direction.CAUSES, 9).nodes) == 3
    assert len(graph.walk("s3://lake/alone", Direction.CAUSES, 9).nodes) == 1
