"""A trace or an impact in the words of others: W3C PROV-JSON, OpenLineage events, Mermaid and Graphviz pictures."""

from __future__ import annotations

import hashlib
import json
import re
import uuid
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote

from handrail.bootstrap.lineage import Edge, Impact, Node, Role, Trace, Verb

PREFIX = "https://handrail.invalid/prov/1-0-0/"
PRODUCER = "https://handrail.invalid/lineage/export/1-0-0"
SPECIFICATION = "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs"
_LONG_HEX = re.compile(r"[0-9a-f]{16,}")
_NAMESPACE = re.compile(r"([a-z][a-z0-9+.-]*://[^/]*)/(.+)", re.DOTALL)
_PROV = {
    Verb.USED: ("used", "prov:activity", "prov:entity"),
    Verb.GENERATED: ("wasGeneratedBy", "prov:entity", "prov:activity"),
    Verb.DERIVED_FROM: ("wasDerivedFrom", "prov:generatedEntity", "prov:usedEntity"),
    Verb.ASSOCIATED_WITH: ("wasAssociatedWith", "prov:activity", "prov:agent"),
}
_PROV_ROLES = {Role.ARTIFACT: "entity", Role.ACTIVITY: "activity", Role.AGENT: "agent"}


@dataclass(frozen=True, slots=True)
class Part:
    """A part of the graph; `asked_at` is the time of events about activities whose time nobody told."""

    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    asked_at: datetime


def export(found: Trace | Impact, form: str, asked_at: datetime) -> str:
    """Return what was found in one of `FORMS`."""
    return FORMS[form](Part(found.nodes, found.edges, asked_at))


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


def to_mermaid(part: Part) -> str:
    """Return a Mermaid flowchart from causes to effects; proven hops are whole lines, asserted ones dotted."""
    shapes = {Role.ARTIFACT: '["{}"]', Role.ACTIVITY: '(["{}"])', Role.AGENT: '{{{{"{}"}}}}'}
    names = _names(part)
    lines = ["flowchart LR"]
    for node in part.nodes:
        label = _label(node).replace("&", "#amp;").replace('"', "#quot;").replace("<", "#lt;").replace(">", "#gt;")
        lines.append(f"    {names[node.uri]}{shapes[node.role].format(label)}")
    for edge in part.edges:
        arrow = "-->" if edge.proven else "-.->"
        lines.append(f"    {names[edge.cause]} {arrow}|{edge.verb.word}| {names[edge.effect]}")
    return "\n".join(lines) + "\n"


def to_dot(part: Part) -> str:
    """Return a Graphviz digraph from causes to effects; proven hops are solid, asserted ones dashed."""
    shapes = {Role.ARTIFACT: "box", Role.ACTIVITY: "ellipse", Role.AGENT: "hexagon"}
    names = _names(part)
    lines = ["digraph lineage {", "    rankdir=LR;"]
    for node in part.nodes:
        label = _label(node).replace("\\", "\\\\").replace('"', '\\"')
        lines.append(f'    {names[node.uri]} [shape={shapes[node.role]}, label="{label}"];')
    for edge in part.edges:
        style = "solid" if edge.proven else "dashed"
        lines.append(f'    {names[edge.cause]} -> {names[edge.effect]} [label="{edge.verb.word}", style={style}];')
    return "\n".join([*lines, "}"]) + "\n"


FORMS: Mapping[str, Callable[[Part], str]] = {
    "prov-json": to_prov_json,
    "openlineage": to_openlineage,
    "mermaid": to_mermaid,
    "dot": to_dot,
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


def _names(part: Part) -> Mapping[str, str]:
    return {node.uri: f"n{number}" for number, node in enumerate(part.nodes)}


def _label(node: Node) -> str:
    return _LONG_HEX.sub(lambda found: f"{found.group()[:12]}…", node.uri)


def _qualified(uri: str) -> str:
    return f"handrail:{_short(uri)}"


def _short(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:20]
