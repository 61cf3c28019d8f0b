"""A trace or an impact in the words of others: W3C PROV-JSON, OpenLineage events, Mermaid and Graphviz pictures."""

from __future__ import annotations

import hashlib
import json
import re
import uuid
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote

from handrail.bootstrap.lineage import Node, Role, Trace, Verb
from handrail.entrypoints.lineage_pictures import Part, to_dot, to_mermaid

PREFIX = "https://handrail.invalid/prov/1-0-0/"
PRODUCER = "https://handrail.invalid/lineage/export/1-0-0"
SPECIFICATION = "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs"
_NAMESPACE = re.compile(r"([a-z][a-z0-9+.-]*://[^/]*)/(.+)", re.DOTALL)
_PROV = {
    Verb.USED: ("used", "prov:activity", "prov:entity"),
    Verb.GENERATED: ("wasGeneratedBy", "prov:entity", "prov:activity"),
    Verb.DERIVED_FROM: ("wasDerivedFrom", "prov:generatedEntity", "prov:usedEntity"),
    Verb.ASSOCIATED_WITH: ("wasAssociatedWith", "prov:activity", "prov:agent"),
}
_PROV_ROLES = {Role.ARTIFACT: "entity", Role.ACTIVITY: "activity", Role.AGENT: "agent"}


def export(found: Trace, form: str, asked_at: datetime) -> str:
    """Return what was found in one of `FORMS`: the nodes that it shows, and the hops between them."""
    shown = {node.uri for node in found.nodes}
    edges = tuple(edge for edge in found.edges if edge.cause in shown and edge.effect in shown)
    return FORMS[form](Part(found.start, found.nodes, edges, asked_at))


def to_prov_json(part: Part) -> str:
    """Return a PROV-JSON document (W3C submission of 2013-04-24); URIs are attributes, their hashes the names."""
    document: dict[str, Any] = {"prefix": {"handrail": PREFIX}}
    roles = {node.uri: node.role for node in part.nodes}
    for node in part.nodes:
        document.setdefault(_PROV_ROLES[node.role], {})[_qualified(node.uri)] = _prov_attributes(node)
    for edge in part.edges:
        relation, here, there = _PROV[edge.verb]
        if edge.verb is Verb.ASSOCIATED_WITH and roles[edge.cause] is Role.ACTIVITY:
            relation, here, there = "wasInformedBy", "prov:informed", "prov:informant"
        told = {here: _qualified(edge.effect), there: _qualified(edge.cause), "handrail:proven": edge.proven}
        told["handrail:asserted_by"] = list(edge.asserted_by)
        name = f"_:{_short(f'{edge.effect} {edge.verb.word} {edge.cause}')}"
        document.setdefault(relation, {})[name] = told
    return json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False)


def to_openlineage(part: Part) -> str:
    """Return OpenLineage events, one a line: of each activity what it used and generated, of each derivation a job."""
    return "".join(f"{json.dumps(event, sort_keys=True, ensure_ascii=False)}\n" for event in _events(part))


FORMS: Mapping[str, Callable[[Part], str]] = {
    "prov-json": to_prov_json,
    "openlineage": to_openlineage,
    "mermaid": to_mermaid,
    "dot": to_dot,
}


MEDIA_TYPES: Mapping[str, str] = {
    "prov-json": "application/json",
    "openlineage": "application/x-ndjson",
    "mermaid": "text/vnd.mermaid",
    "dot": "text/vnd.graphviz",
}


def _prov_attributes(node: Node) -> dict[str, Any]:
    told: dict[str, Any] = {"handrail:uri": node.uri, "prov:type": f"handrail:{node.kind}"}
    if node.digest:
        told["handrail:digest"] = node.digest
    if node.started:
        told["prov:startTime"] = node.started.isoformat()
    if node.ended:
        told["prov:endTime"] = node.ended.isoformat()
    return told | {f"handrail:{name}": value for name, value in node.attributes.items()}


def _events(part: Part) -> Iterator[dict[str, Any]]:
    inputs: dict[str, list[str]] = defaultdict(list)
    outputs: dict[str, list[str]] = defaultdict(list)
    causes: dict[str, list[str]] = defaultdict(list)
    for edge in part.edges:
        if edge.verb is Verb.USED:
            inputs[edge.effect].append(edge.cause)
        elif edge.verb is Verb.GENERATED:
            outputs[edge.cause].append(edge.effect)
        elif edge.verb is Verb.DERIVED_FROM:
            causes[edge.effect].append(edge.cause)
    for node in part.nodes:
        if node.role is Role.ACTIVITY:
            yield _run_event(part, node, inputs[node.uri], outputs[node.uri])
        elif node.uri in causes:
            job = {"namespace": "handrail", "name": f"derivation/{_short(node.uri)}"}
            yield _event(part.asked_at, "JobEvent", job, causes[node.uri], [node.uri])


def _run_event(part: Part, node: Node, used: Sequence[str], made: Sequence[str]) -> dict[str, Any]:
    job = {"namespace": "handrail", "name": node.kind}
    event = _event(node.ended or node.started or part.asked_at, "RunEvent", job, used, made)
    run_id = uuid.uuid5(uuid.NAMESPACE_URL, node.uri)
    facet = {"_producer": PRODUCER, "_schemaURL": f"{PRODUCER}/HandrailActivityRunFacet.json", "uri": node.uri}
    run = {"runId": str(run_id), "facets": {"handrail_activity": facet}}
    return event | {"eventType": "COMPLETE", "run": run}


def _event(at: datetime, kind: str, job: Any, used: Sequence[str], made: Sequence[str]) -> dict[str, Any]:
    return {
        "eventTime": at.astimezone(UTC).isoformat(),
        "producer": PRODUCER,
        "schemaURL": f"{SPECIFICATION}/{kind}",
        "job": job,
        "inputs": [_dataset(uri) for uri in used],
        "outputs": [_dataset(uri) for uri in made],
    }


def _dataset(uri: str) -> dict[str, str]:
    """Return the namespace and name that make this URI again when the event is taken in."""
    found = _NAMESPACE.fullmatch(uri)
    if found is None:
        return {"namespace": "handrail", "name": uri}
    namespace, name = unquote(found[1]), unquote(found[2])
    return {"namespace": namespace.removeprefix("openlineage://"), "name": name}


def _qualified(uri: str) -> str:
    return f"handrail:{_short(uri)}"


def _short(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:20]
