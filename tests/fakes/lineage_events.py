"""OpenLineage events by hand, as the specification writes them, and the event log in memory."""

from __future__ import annotations

from uuid import UUID

from handrail.errors import Conflict
from handrail.lineage.adapters.openlineage.events import read_event
from handrail.lineage.domain.events import RunState, describe_event, run_uri
from handrail.lineage.domain.facts import Facts
from handrail.lineage.domain.outbox import QueuedEvent, QueueLength
from handrail.lineage.ports import EventLog, Outbox, Stored, TokenRegister
from tests.fakes.lineage_graph import GraphInMemory

SPEC = "https://openlineage.io/spec/2-0-2/OpenLineage.json"
PRODUCER = "https://example.org/shop/1.0"
NOON = "2026-11-23T12:00:00Z"


def a_run_id(number):
    return str(UUID(int=number))


def a_dataset(name, version=None, namespace="s3://lake"):
    facets = {"vendor_note": {"_producer": PRODUCER, "_schemaURL": SPEC, "anything": [1, {"deep": None}]}}
    if version:
        facets["version"] = {"_producer": PRODUCER, "_schemaURL": SPEC, "datasetVersion": version}
    return {"namespace": namespace, "name": name, "facets": facets}


def a_run_event(run=1, state="COMPLETE", inputs=(), outputs=(), **more):
    return {
        "eventType": state,
        "eventTime": NOON,
        "producer": PRODUCER,
        "schemaURL": f"{SPEC}#/$defs/RunEvent",
        "run": {"runId": a_run_id(run)},
        "job": {"namespace": "airflow://prod", "name": "clean orders"},
        "inputs": list(inputs),
        "outputs": list(outputs),
    } | more


def a_job_event(inputs=(), outputs=(), **more):
    event = a_run_event(inputs=inputs, outputs=outputs) | {"schemaURL": f"{SPEC}#/$defs/JobEvent"}
    return {key: value for key, value in event.items() if key not in ("run", "eventType")} | more


def a_dataset_event(name="orders", **more):
    return {
        "eventTime": NOON,
        "producer": PRODUCER,
        "schemaURL": f"{SPEC}#/$defs/DatasetEvent",
        "dataset": a_dataset(name),
    } | more


def a_clash(run):
    """An event that cannot be recorded: it names its job as a dataset as well."""
    clashing = {"job": {"namespace": "n", "name": "j"}}
    return read(a_run_event(run, outputs=[a_dataset("j", namespace="openlineage-job://n")], **clashing))


def read(document):
    return read_event(document)


class EventsInMemory(EventLog):
    """The event log as sets over a graph in memory."""

    def __init__(self):
        self.graph = GraphInMemory()
        self.sent = set()
        self.events = self.graph.events
        self.queue = self.graph.queue

    def add(self, events, sender, sinks):
        new = {event.event_id: event for event in events if event.event_id not in self.events}
        new_pairs = {(event.event_id, sender) for event in events} - self.sent
        facts = {event.event_id: describe_event(event, sender) for event in events}
        self.graph.record_but_circles(Facts.union(facts[event_id] for event_id, _ in new_pairs))
        self.sent |= new_pairs
        for event in events:
            if event.own_run:
                uri = run_uri(event.run.run_id)
                states = [event.run.state, self.graph.states.get(uri, event.run.state)]
                self.graph.states[uri] = RunState.of(max(state.rank for state in states))
        self.events |= new
        self.queue |= {(sink, event_id) for sink in sinks for event_id in new}
        owners = {key: {uri for each in stated.statements for uri in each.owners} for key, stated in facts.items()}
        left_out = {
            event_id: tuple(text for uri in sorted(uris) for text in sorted(self.graph.left_out_of(uri)))
            for event_id, uris in owners.items()
        }
        return Stored(frozenset(new), {event_id: texts for event_id, texts in left_out.items() if texts})


class TokensInMemory(TokenRegister):
    """The token register as a dictionary."""

    def __init__(self):
        self.records = {}

    def add(self, record):
        if record.name in self.records:
            raise Conflict("token", record.name, f"Revoke it first: handrail lineage token revoke {record.name}.")
        self.records[record.name] = record

    def all(self):
        return tuple(record for _, record in sorted(self.records.items()))

    def remove(self, name):
        return self.records.pop(name, None) is not None


class OutboxInMemory(Outbox):
    """The queues of an event log in memory."""

    def __init__(self, log):
        self.log = log
        self.refused = {}

    def waiting(self, sink, limit):
        found = [event for key, event in self.log.events.items() if (sink, key) in self.log.queue - self.refused.keys()]
        found.sort(key=lambda event: (event.time, event.rank, event.event_id))
        return tuple(QueuedEvent(event.event_id, event.stream, event.body) for event in found[:limit])

    def settle(self, sink, event_ids):
        self.log.queue -= {(sink, event_id) for event_id in event_ids}

    def refuse(self, sink, event_id, reason):
        self.refused[sink, event_id] = reason

    def retry(self, sink):
        again = {key for key in self.refused if key[0] == sink}
        self.refused = {key: reason for key, reason in self.refused.items() if key not in again}
        return len(again)

    def lengths(self):
        sinks = sorted({sink for sink, _ in self.log.queue})
        refused = {sink: sum(key[0] == sink for key in self.refused) for sink in sinks}
        queued = {sink: sum(key[0] == sink for key in self.log.queue) for sink in sinks}
        return tuple(QueueLength(sink, queued[sink] - refused[sink], refused[sink]) for sink in sinks)
