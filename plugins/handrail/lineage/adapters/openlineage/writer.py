"""Writes what Handrail records as OpenLineage events: one for each step, with all that its facts say in the facets."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from handrail.lineage.adapters.openlineage.ml import ml_facet
from handrail.lineage.adapters.openlineage.names import dataset_of, job_of, run_id_of
from handrail.lineage.adapters.openlineage.standard import (
    HOME,
    PRODUCER,
    event_schema,
    input_facets,
    job_facets,
    output_facets,
    run_facets,
    state_of,
    version_facet,
)
from handrail.lineage.adapters.openlineage.text import canonical
from handrail.lineage.domain import End, Facts, LineageEvent, NodeFact, RunTold, Step, steps_of
from handrail.lineage.ports import EventWriter

SCHEMAS = f"{HOME}/1-0-0"
MOST_BYTES = 900_000
"""What an event may weigh before it is split; receivers of OpenLineage commonly take a megabyte."""
Json = dict[str, Any]


class OpenLineageWriter(EventWriter):
    """The writer of OpenLineage events."""

    def write(self, facts: Facts, at: datetime) -> tuple[LineageEvent, ...]:
        """Return events that say all that `facts` say; of things whose time nobody told, at the moment `at`."""
        return tuple(event for step in steps_of(facts) for event in _events(step, at))


def _events(step: Step, at: datetime) -> Iterator[LineageEvent]:
    moment = (step.activity.ended if step.activity else None) or at
    body = canonical(_document(step, moment))
    weight = len(body.encode())
    if weight > MOST_BYTES and (parts := _cut(step, 1 + weight * 5 // (MOST_BYTES * 4))):
        for part in parts:
            yield from _events(part, at)
        return
    yield _event(step, moment, body)


def _event(step: Step, moment: datetime, body: str) -> LineageEvent:
    event = LineageEvent(hashlib.sha256(body.encode()).hexdigest(), moment, PRODUCER, body)
    if _is_dataset(step):
        return replace(event, datasets=(replace(dataset_of(step.outputs[0].node.uri), told=step.outputs[0].node),))
    return replace(event, job=job_of(step), run=RunTold(run_id_of(step), state_of(step)), step=step)


def _cut(step: Step, number: int) -> list[Step]:
    """Return steps that say together what one says, as runs of OpenLineage add up; nothing if it has too few ends."""
    if len(step.inputs) > 1:
        size = -(-len(step.inputs) // number)
        parts = [replace(step, inputs=step.inputs[at : at + size]) for at in range(0, len(step.inputs), size)]
        # What came of an activity's inputs is told once; what was derived from them, of each part.
        if step.is_derivation:
            return parts
        made = [replace(step, inputs=())] if step.outputs else []
        return [*(replace(part, outputs=()) for part in parts), *made]
    if len(step.outputs) > 1:
        size = -(-len(step.outputs) // number)
        return [replace(step, outputs=step.outputs[at : at + size]) for at in range(0, len(step.outputs), size)]
    return []


def _is_dataset(step: Step) -> bool:
    return step.activity is None and not step.inputs


def _document(step: Step, moment: datetime) -> Json:
    event = {"eventTime": moment.astimezone(UTC).isoformat(timespec="microseconds"), "producer": PRODUCER}
    if _is_dataset(step):
        return event | {"schemaURL": event_schema("DatasetEvent"), "dataset": _dataset(step.outputs[0], step)}
    job = job_of(step)
    return event | {
        "schemaURL": event_schema("RunEvent"),
        "eventType": state_of(step).value,
        "run": {"runId": run_id_of(step), "facets": _run_facets(step)},
        "job": {"namespace": job.namespace, "name": job.name, "facets": job_facets(step)},
        "inputs": [_input(end, step) for end in step.inputs],
        "outputs": [_output(end, step) for end in step.outputs],
    }


def _run_facets(step: Step) -> Json:
    teller = {"assertedBy": step.asserted_by} if step.asserted_by else {}
    if step.activity is None:
        return {"handrail_derivation": _facet("HandrailDerivationRunFacet", {"verb": "derived_from"} | teller)}
    told = _node(step.activity) | teller
    for name, time in (("startedAt", step.activity.started), ("endedAt", step.activity.ended)):
        if time is not None:
            told[name] = time.astimezone(UTC).isoformat(timespec="microseconds")
    if step.partners:
        told["associatedWith"] = [_node(node) | {"role": node.role.word} for node in step.partners]
    return run_facets(step) | {"handrail_activity": _facet("HandrailActivityRunFacet", told)}


def _input(end: End, step: Step) -> Json:
    facets = input_facets(end)
    if end.agreed:
        facets["handrail_agreement"] = _facet("HandrailAgreementInputDatasetFacet", {"digest": end.agreed})
    return _dataset(end, step) | ({"inputFacets": facets} if facets else {})


def _output(end: End, step: Step) -> Json:
    facets = output_facets(end)
    return _dataset(end, step) | ({"outputFacets": facets} if facets else {})


def _dataset(end: End, step: Step) -> Json:
    dataset = dataset_of(end.node.uri)
    known = _node(end.node) | ({"digests": list(end.digests)} if end.digests else {})
    facets = {"handrail_artifact": _facet("HandrailArtifactDatasetFacet", known)}
    facets |= version_facet(dataset.version)
    if found := ml_facet(end, step):
        name, told = found
        facets[f"handrail_{name}"] = _facet(f"Handrail{name[0].upper()}{name[1:]}DatasetFacet", told)
    return {"namespace": dataset.namespace, "name": dataset.name, "facets": facets}


def _node(node: NodeFact) -> Json:
    values: dict[str, list[str]] = defaultdict(list)
    for name, value in sorted(node.attributes):
        values[name].append(value)
    attributes = {name: told[0] if len(told) == 1 else told for name, told in values.items()}
    return {"uri": node.uri, "kind": node.kind} | ({"attributes": attributes} if attributes else {})


def _facet(name: str, fields: Json) -> Json:
    return {"_producer": PRODUCER, "_schemaURL": f"{SCHEMAS}/{name}.json#/$defs/{name}"} | fields
