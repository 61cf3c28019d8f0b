"""A trace or an impact in the words of others: W3C PROV-JSON, OpenLineage events, Mermaid and Graphviz pictures."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from handrail.entrypoints.answers.pictures import Part, to_dot, to_mermaid
from handrail.lineage import Lineage, Node, Role, Trace, Verb

PREFIX = "https://handrail.invalid/prov/1-0-0/"
_PROV = {
    Verb.USED: ("used", "prov:activity", "prov:entity"),
    Verb.GENERATED: ("wasGeneratedBy", "prov:entity", "prov:activity"),
    Verb.DERIVED_FROM: ("wasDerivedFrom", "prov:generatedEntity", "prov:usedEntity"),
    Verb.ASSOCIATED_WITH: ("wasAssociatedWith", "prov:activity", "prov:agent"),
}
_PROV_ROLES = {Role.ARTIFACT: "entity", Role.ACTIVITY: "activity", Role.AGENT: "agent"}


def export(lineage: Lineage, found: Trace, form: str, asked_at: datetime) -> str:
    """Return what `lineage` found in one of `FORMS`: the nodes that it shows, and the hops between them."""
    if form == OPENLINEAGE:
        return "".join(f"{event}\n" for event in lineage.events_of(found, asked_at))
    shown = {node.uri for node in found.nodes}
    edges = tuple(edge for edge in found.edges if edge.cause in shown and edge.effect in shown)
    return _WRITERS[form](Part(found.start, found.nodes, edges, asked_at))


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


_WRITERS: Mapping[str, Callable[[Part], str]] = {"prov-json": to_prov_json, "mermaid": to_mermaid, "dot": to_dot}
OPENLINEAGE = "openlineage"
MEDIA_TYPES: Mapping[str, str] = {
    "prov-json": "application/json",
    "openlineage": "application/x-ndjson",
    "mermaid": "text/vnd.mermaid",
    "dot": "text/vnd.graphviz",
}
FORMS = tuple(MEDIA_TYPES)


def _prov_attributes(node: Node) -> dict[str, Any]:
    # What a tool calls its attributes must not stand in the place of what the node is.
    told: dict[str, Any] = {f"handrail:{name}": value for name, value in node.attributes.items()}
    told |= {"handrail:uri": node.uri, "prov:type": f"handrail:{node.kind}"}
    if node.digest:
        told["handrail:digest"] = node.digest
    if node.started:
        told["prov:startTime"] = node.started.isoformat()
    if node.ended:
        told["prov:endTime"] = node.ended.isoformat()
    return told


def _qualified(uri: str) -> str:
    return f"handrail:{_short(uri)}"


def _short(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:20]
