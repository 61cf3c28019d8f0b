"""What one store records another knows from its events alone, whatever their order: only the sender differs."""

import json
import random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from handrail.lineage.adapters.openlineage.events import read_event
from handrail.lineage.adapters.openlineage.writer import write_events
from handrail.lineage.adapters.sql.events import SqlEvents
from handrail.lineage.adapters.sql.graph import SqlGraph
from handrail.lineage.adapters.sql.outbox import SqlOutbox
from tests.fakes.lineage_facts import NOON, facts
from tests.fakes.lineage_stores import KINDS, an_empty_store, clear, graph_of


@pytest.fixture(params=KINDS)
def stores(request):
    with an_empty_store(request.param) as here, an_empty_store(request.param) as there:
        yield here, there


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(calls=st.lists(facts(), min_size=1, max_size=3), seed=st.integers(0, 9))
def test_another_store_learns_everything_from_the_events(stores, calls, seed):
    here, there = stores
    clear(here)
    clear(there)
    graph = SqlGraph(here)
    for told in calls:
        graph.record(told, write_events(told, NOON), ["there"])

    waiting = SqlOutbox(here).waiting("there", 1000)
    events = [read_event(json.loads(queued.body)) for queued in waiting]
    random.Random(seed).shuffle(events)
    for event in (*events, *events[:2]):
        SqlEvents(there).add([event], "actor://service/here", ())

    assert graph_of(there) == graph_of(here)
