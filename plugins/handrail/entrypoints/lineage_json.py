"""Traces and impacts as JSON, with whole digests: what `--json` prints and what HTTP answers."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from handrail.bootstrap.lineage import Edge, Impact, Node, Reign, Section, Trace, tell


def trace_to_json(trace: Trace) -> dict[str, Any]:
    """Return a trace as JSON: `--json` and HTTP answer the same."""
    return {
        "ref": trace.ref,
        "prediction_id": trace.prediction_id,
        "start": trace.start,
        "hops": len(trace.edges),
        "proven_hops": trace.proven,
        "truncated": trace.truncated,
        "sections": [_section_to_json(section) for section in tell(trace)],
        "nodes": [node_to_json(node) for node in trace.nodes],
        "edges": [edge_to_json(edge) for edge in trace.edges],
        "conflicts": [asdict(conflict) for conflict in trace.conflicts],
    }


def impact_to_json(impact: Impact) -> dict[str, Any]:
    """Return an impact as JSON: `--json` and HTTP answer the same."""
    return {
        "ref": impact.ref,
        "start": impact.start,
        "models": [node.uri for node in impact.of_kind("model-version")],
        "deployments": [node.uri for node in impact.of_kind("deployment")],
        "reports": [node.uri for node in impact.of_kind("report")],
        "predictions": dict(impact.predictions),
        "total_predictions": impact.total,
        "truncated": impact.truncated,
        "nodes": [node_to_json(node) for node in impact.nodes],
        "edges": [edge_to_json(edge) for edge in impact.edges],
    }


def _section_to_json(section: Section) -> dict[str, Any]:
    return {
        "title": section.title,
        "folded": section.folded,
        "nodes": [
            {"uri": hop.node.uri, "digest": hop.node.digest, "via": edge_to_json(hop.via) if hop.via else None}
            for hop in section.hops
        ],
    }


def node_to_json(node: Node) -> dict[str, Any]:
    """Return a node as JSON; moments stay moments."""
    return {
        "uri": node.uri,
        "role": node.role.word,
        "kind": node.kind,
        "digest": node.digest,
        "attributes": dict(node.attributes),
        "started": node.started,
        "ended": node.ended,
    }


def edge_to_json(edge: Edge) -> dict[str, Any]:
    """Return an edge as JSON."""
    return {
        "effect": edge.effect,
        "verb": edge.verb.word,
        "cause": edge.cause,
        "proven": edge.proven,
        "asserted_by": list(edge.asserted_by),
    }


def reign_to_json(reign: Reign) -> dict[str, Any]:
    """Return a reign of a moving name as JSON; `until` is null while it lasts."""
    return asdict(reign) | {"agents": list(reign.agents)}
