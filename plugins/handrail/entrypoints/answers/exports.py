"""A trace or an impact in other forms: W3C PROV-JSON, OpenLineage events, Mermaid and Graphviz pictures, a page."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from enum import Enum
from typing import Any

from handrail.entrypoints.answers.chain import Chain, chain_of
from handrail.entrypoints.answers.chain_facts import ChainFacts
from handrail.entrypoints.answers.one_page import write_page
from handrail.entrypoints.answers.pictures import to_dot, to_mermaid
from handrail.lineage import Lineage, Node, Role, Trace, Verb

PREFIX = "https://handrail.invalid/prov/1-0-0/"
_PROV = {
    Verb.USED: ("used", "prov:activity", "prov:entity"),
    Verb.GENERATED: ("wasGeneratedBy", "prov:entity", "prov:activity"),
    Verb.DERIVED_FROM: ("wasDerivedFrom", "prov:generatedEntity", "prov:usedEntity"),
    Verb.ASSOCIATED_WITH: ("wasAssociatedWith", "prov:activity", "prov:agent"),
    Verb.ALTERNATE_OF: ("alternateOf", "prov:alternate1", "prov:alternate2"),
}
_PROV_ROLES = {Role.ARTIFACT: "entity", Role.ACTIVITY: "activity", Role.AGENT: "agent"}


class Form(Enum):
    """The forms of an export."""

    PROV_JSON = "prov-json"
    OPENLINEAGE = "openlineage"
    MERMAID = "mermaid"
    DOT = "dot"
    HTML = "html"

    @property
    def media_type(self) -> str:
        """The media type of an answer over HTTP."""
        return _MEDIA_TYPES[self]


def export(lineage: Lineage, found: Trace, form: Form, asked_at: datetime, chain: Chain | None = None) -> str:
    """Return what `lineage` found in a form: the nodes that it shows, and the hops between them.

    A page has the `chain` that is given, else one of what the graph alone knows.
    """
    if form is Form.HTML:
        return write_page(chain or chain_of(found, ChainFacts()), found, asked_at, whole=True)
    if form is Form.OPENLINEAGE:
        return "".join(f"{event}\n" for event in lineage.events_of(found, asked_at))
    shown = {node.uri for node in found.nodes}
    edges = tuple(edge for edge in found.edges if edge.cause in shown and edge.effect in shown)
    return _WRITERS[form](replace(found, edges=edges))


def to_prov_json(part: Trace) -> str:
    """Return a PROV-JSON document (W3C submission of 2013-04-24); URIs are attributes, their hashes the names."""
    document: dict[str, Any] = {"prefix": {"handrail": PREFIX}}
    roles = {node.uri: node.role for node in part.nodes}
    for node in part.nodes:
        document.setdefault(_PROV_ROLES[node.role], {})[_qualified(node.uri)] = _prov_attributes(node)
    for edge in part.edges:
        relation, here, there = _PROV[edge.verb]
        if edge.verb is Verb.ASSOCIATED_WITH and roles[edge.cause] is Role.ACTIVITY:
            relation, here, there = "wasInformedBy", "prov:informed", "prov:informant"
        fields = {here: _qualified(edge.effect), there: _qualified(edge.cause), "handrail:proven": edge.proven}
        fields["handrail:asserted_by"] = list(edge.asserted_by)
        name = f"_:{_short(f'{edge.effect} {edge.verb.word} {edge.cause}')}"
        document.setdefault(relation, {})[name] = fields
    return json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False)


_WRITERS: Mapping[Form, Callable[[Trace], str]] = {
    Form.PROV_JSON: to_prov_json,
    Form.MERMAID: to_mermaid,
    Form.DOT: to_dot,
}
_MEDIA_TYPES: Mapping[Form, str] = {
    Form.PROV_JSON: "application/json",
    Form.OPENLINEAGE: "application/x-ndjson",
    Form.MERMAID: "text/vnd.mermaid",
    Form.DOT: "text/vnd.graphviz",
    Form.HTML: "text/html; charset=utf-8",
}


def _prov_attributes(node: Node) -> dict[str, Any]:
    # An attribute of a tool must not replace what the node is.
    fields: dict[str, Any] = {f"handrail:{name}": value for name, value in node.attributes.items()}
    fields |= {"handrail:uri": node.uri, "prov:type": f"handrail:{node.kind}"}
    if node.digest:
        fields["handrail:digest"] = node.digest
    if node.started:
        fields["prov:startTime"] = node.started.isoformat()
    if node.ended:
        fields["prov:endTime"] = node.ended.isoformat()
    return fields


def _qualified(uri: str) -> str:
    return f"handrail:{_short(uri)}"


def _short(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:20]
