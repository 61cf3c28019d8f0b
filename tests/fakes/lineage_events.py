"""OpenLineage events by hand, as the specification writes them, and the event log in memory."""

from __future__ import annotations

from uuid import UUID

from handrail.errors import Conflict
from handrail.lineage.adapters.openlineage_events import OpenLineageEvents
from handrail.lineage.domain import Facts, Receipt, describe_event
from tests.fakes.lineage import GraphInMemory

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


def read(document):
    return OpenLineageEvents().read(document)


class EventsInMemory:
    """The event log as sets over a graph in memory."""

    def __init__(self):
        self.graph = GraphInMemory()
        self.told = set()
        self.events = {}
        self.queue = set()

    def add(self, events, sender, sinks):
        new = {event.event_id: event for event in events if event.event_id not in self.events}
        told = {(event.event_id, sender) for event in events} - self.told
        self.graph.record(
            Facts.union(describe_event(event, sender) for event in events if (event.event_id, sender) in told)
        )
        self.told |= told
        self.events |= new
        self.queue |= {(sink, event_id) for sink in sinks for event_id in new}
        return Receipt(len(new), len(events) - len(new))


class TokensInMemory:
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
