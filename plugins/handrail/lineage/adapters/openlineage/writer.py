"""Writes what Handrail records as OpenLineage events: one for each content, with all its facts in the facets."""

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
    column_facet,
    event_schema,
    input_facets,
    job_facets,
    output_facets,
    run_facets,
    state_of,
    symlinks_facet,
    version_facet,
)
from handrail.lineage.adapters.openlineage.text import canonical
from handrail.lineage.domain.contents import End, EventContent, contents_of
from handrail.lineage.domain.events import LineageEvent, RunReport
from handrail.lineage.domain.facts import Facts, NodeFact

SCHEMAS = f"{HOME}/1-0-0"
MOST_BYTES = 900_000
"""What an event may weigh before it is split; receivers of OpenLineage commonly take a megabyte."""
Json = dict[str, Any]


def write_events(facts: Facts, at: datetime) -> tuple[LineageEvent, ...]:
    """Return events that represent all `facts`; things without a known time have the time `at`.

    Each is smaller than a megabyte where its content can be divided, and has one content.
    """
    return tuple(event for content in contents_of(facts) for event in _events(content, at))


def _events(content: EventContent, at: datetime) -> Iterator[LineageEvent]:
    moment = (content.activity.ended if content.activity else None) or at
    body = canonical(_document(content, moment))
    weight = len(body.encode())
    if weight > MOST_BYTES and (parts := _cut(content, 1 + weight * 5 // (MOST_BYTES * 4))):
        for part in parts:
            yield from _events(part, at)
        return
    yield _event(content, moment, body)


def _event(content: EventContent, moment: datetime, body: str) -> LineageEvent:
    event = LineageEvent(hashlib.sha256(body.encode()).hexdigest(), moment, PRODUCER, body)
    if _is_dataset(content):
        return replace(
            event, datasets=(replace(dataset_of(content.outputs[0].node.uri), declared=content.outputs[0].node),)
        )
    return replace(event, job=job_of(content), run=RunReport(run_id_of(content), state_of(content)), content=content)


def _cut(content: EventContent, number: int) -> list[EventContent]:
    """Return contents that together say the same, as runs of OpenLineage add up; none if it has too few ends."""
    if len(content.inputs) > 1:
        size = -(-len(content.inputs) // number)
        parts = [replace(content, inputs=content.inputs[at : at + size]) for at in range(0, len(content.inputs), size)]
        # The outputs of an activity are written once; those of a derivation with each part.
        if content.is_derivation:
            return parts
        made = [replace(content, inputs=())] if content.outputs else []
        return [*(replace(part, outputs=()) for part in parts), *made]
    if len(content.outputs) > 1:
        size = -(-len(content.outputs) // number)
        return [
            replace(content, outputs=content.outputs[at : at + size]) for at in range(0, len(content.outputs), size)
        ]
    return []


def _is_dataset(content: EventContent) -> bool:
    return content.activity is None and not content.inputs


def _document(content: EventContent, moment: datetime) -> Json:
    event = {"eventTime": moment.astimezone(UTC).isoformat(timespec="microseconds"), "producer": PRODUCER}
    if _is_dataset(content):
        return event | {"schemaURL": event_schema("DatasetEvent"), "dataset": _dataset(content.outputs[0], content)}
    job = job_of(content)
    return event | {
        "schemaURL": event_schema("RunEvent"),
        "eventType": state_of(content).value,
        "run": {"runId": run_id_of(content), "facets": _run_facets(content)},
        "job": {"namespace": job.namespace, "name": job.name, "facets": job_facets(content)},
        "inputs": [_input(end, content) for end in content.inputs],
        "outputs": [_output(end, content) for end in content.outputs],
    }


def _run_facets(content: EventContent) -> Json:
    source = {"assertedBy": content.asserted_by} if content.asserted_by else {}
    if content.activity is None:
        return {"handrail_derivation": _facet("HandrailDerivationRunFacet", {"verb": "derived_from"} | source)}
    given = _node(content.activity) | source
    for name, time in (("startedAt", content.activity.started), ("endedAt", content.activity.ended)):
        if time is not None:
            given[name] = time.astimezone(UTC).isoformat(timespec="microseconds")
    if content.partners:
        given["associatedWith"] = [_node(node) | {"role": node.role.word} for node in content.partners]
    return run_facets(content) | {"handrail_activity": _facet("HandrailActivityRunFacet", given)}


def _input(end: End, content: EventContent) -> Json:
    facets = input_facets(end)
    if end.agreed:
        facets["handrail_agreement"] = _facet("HandrailAgreementInputDatasetFacet", {"digest": end.agreed})
    return _dataset(end, content) | ({"inputFacets": facets} if facets else {})


def _output(end: End, content: EventContent) -> Json:
    facets = output_facets(end)
    return _dataset(end, content) | ({"outputFacets": facets} if facets else {})


def _dataset(end: End, content: EventContent) -> Json:
    dataset = dataset_of(end.node.uri)
    known = _node(end.node) | ({"digests": list(end.digests)} if end.digests else {})
    facets = {"handrail_artifact": _facet("HandrailArtifactDatasetFacet", known)}
    facets |= version_facet(dataset.version) | symlinks_facet(end.alternates) | column_facet(end.columns)
    if found := ml_facet(end, content):
        name, given = found
        facets[f"handrail_{name}"] = _facet(f"Handrail{name[0].upper()}{name[1:]}DatasetFacet", given)
    return {"namespace": dataset.namespace, "name": dataset.name, "facets": facets}


def _node(node: NodeFact) -> Json:
    values: dict[str, list[str]] = defaultdict(list)
    for name, value in sorted(node.attributes):
        values[name].append(value)
    attributes = {name: given[0] if len(given) == 1 else given for name, given in values.items()}
    return {"uri": node.uri, "kind": node.kind} | ({"attributes": attributes} if attributes else {})


def _facet(name: str, fields: Json) -> Json:
    return {"_producer": PRODUCER, "_schemaURL": f"{SCHEMAS}/{name}.json#/$defs/{name}"} | fields
