"""What every event log promises: sets of events, each counted once, all of a batch or none."""

from contextlib import nullcontext

import pytest

from handrail.lineage.adapters.grouped_events import GroupedLog
from handrail.lineage.adapters.sql.events import SqlEvents
from handrail.lineage.adapters.sql.graph import SqlGraph
from handrail.lineage.domain.errors import CycleRefused
from handrail.lineage.domain.graph import Direction
from tests.fakes.lineage_events import EventsInMemory, a_dataset, a_dataset_event, a_job_event, a_run_event, read
from tests.fakes.lineage_stores import KINDS, an_empty_store

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

    assert log.add([START, END], BOT, []) == {START.event_id, END.event_id}

    walk = graph.walk("s3://lake/clean@8", Direction.CAUSES, 9)
    assert {(node.uri.rpartition("/")[2], node.kind) for node in walk.nodes} == {
        ("clean@8", "s3"),
        ("orders@7", "s3"),
        (START.run.run_id, "run"),
        ("clean%20orders", "job"),
    }
    assert {edge.asserted_by for edge in walk.edges} == {(BOT,)}


def test_a_repeated_event_counts_once_whoever_tells_it_and_all_tellers_are_named(log_and_graph):
    log, graph = log_and_graph
    log.add([START, END], BOT, [])

    assert log.add([START, START], BOT, []) == set()
    assert log.add([START], ANN, []) == set()

    told = {edge.asserted_by for edge in graph.walk("s3://lake/clean@8", Direction.CAUSES, 9).edges}
    assert told == {(BOT,), (ANN, BOT)}


def test_a_batch_that_closes_a_circle_leaves_nothing_behind(log_and_graph):
    log, graph = log_and_graph
    circle = read(a_run_event(2, inputs=[a_dataset("a")], outputs=[a_dataset("a")]))

    with pytest.raises(CycleRefused, match=circle.run.run_id):
        log.add([START, circle], BOT, ["marquez"])

    assert graph.walk("s3://lake/orders@7", Direction.EFFECTS, 9) is None
    assert log.add([START], BOT, []) == {START.event_id}


def test_a_job_event_and_a_dataset_event_need_no_run(log_and_graph):
    log, graph = log_and_graph

    log.add([read(a_job_event([a_dataset("in")], [a_dataset("out")])), read(a_dataset_event("alone"))], BOT, [])

    assert len(graph.walk("s3://lake/out", Direction.CAUSES, 9).nodes) == 3
    assert len(graph.walk("s3://lake/alone", Direction.CAUSES, 9).nodes) == 1
