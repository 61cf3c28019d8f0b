"""Traces and impacts as JSON, with whole digests: what `--json` prints and what HTTP answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from decimal import Decimal
from typing import Any

from handrail.entrypoints.answers.chain import Chain
from handrail.lineage import (
    ColumnFact,
    DigestConflict,
    Edge,
    Impact,
    Node,
    NodeDetails,
    Page,
    Period,
    Section,
    Trace,
    sections_of,
)

MOST_NAMED = 1_000
LONGER = "Raise the node budget (max_nodes), or ask for less: a depth, or a start that is nearer."


def trace_to_json(
    trace: Trace, columns: Sequence[ColumnFact] | None = None, chain: Chain | None = None
) -> dict[str, Any]:
    """Return a trace as JSON, with `columns` if they were asked for: `--json` and HTTP answer the same.

    `path`, `missing` and `summary` are those of its chain, null where only a part of the trace was asked for.
    """
    asked = {} if columns is None else {"columns": [asdict(column) for column in columns]}
    return {
        "ref": trace.ref,
        "prediction_id": trace.prediction_id,
        "start": trace.start,
        **(chain.to_json() if chain else {"path": None, "missing": None, "summary": None}),
        "hops": len(trace.edges),
        "proven_hops": trace.proven,
        **_truncation(trace.truncated),
        "hidden": trace.hidden,
        "sections": [_section_to_json(section) for section in sections_of(trace)],
        "nodes": [node_to_json(node) for node in trace.nodes],
        "edges": [edge_to_json(edge) for edge in trace.edges],
        "conflicts": [conflict_to_json(conflict) for conflict in trace.conflicts],
        **asked,
    }


def impact_to_json(impact: Impact) -> dict[str, Any]:
    """Return an impact as JSON: `--json` and HTTP answer the same.

    `kinds` counts all that was reached, itself included, `failed` the runs that failed or were aborted; of these and of
    each named kind up to 1,000 URIs are given. Amounts of
    money are texts, because they are exact.
    """
    named = {kind: list(uris[:MOST_NAMED]) for kind, uris in impact.names.items()}
    return {
        "ref": impact.ref,
        "start": impact.start,
        "column": impact.column or None,
        "columns": {uri: list(names) for uri, names in impact.columns.items()},
        "reached": impact.reached,
        "kinds": dict(sorted(impact.kinds.items())),
        "named": named,
        "models": named.get("model-version", []),
        "deployments": sorted(impact.predictions),
        "reports": named.get("report", []),
        "failed": len(impact.failed),
        "failed_runs": list(impact.failed[:MOST_NAMED]),
        "predictions": dict(impact.predictions),
        "total_predictions": impact.total,
        "money": {uri: _amounts(brought) for uri, brought in sorted(impact.money.items())},
        "total_money": _amounts(impact.total_money),
        **_truncation(impact.truncated),
    }


def page_to_json(page: Page) -> dict[str, Any]:
    """Return a page of nodes as JSON; `next` is where the following page begins, null at the end."""
    return {"nodes": [node_to_json(node) for node in page.nodes], "next": page.next}


def details_to_json(details: NodeDetails) -> dict[str, Any]:
    """Return all about one node as JSON."""
    return {
        **node_to_json(details.node),
        "followed": list(details.followed),
        "causes": [edge_to_json(edge) for edge in details.causes],
        "effects": [edge_to_json(edge) for edge in details.effects],
        "alternates": list(details.alternates),
        "columns": [asdict(column) for column in details.columns],
        "pointers": [period_to_json(period) for period in details.pointers],
        "conflicts": [conflict_to_json(conflict) for conflict in details.conflicts],
        **_truncation(details.truncated),
    }


def conflict_to_json(conflict: DigestConflict) -> dict[str, Any]:
    """Return a digest conflict as JSON; `standing` is the digest that is used."""
    return {
        "uri": conflict.uri,
        "standing": conflict.first,
        "others": conflict.others,
        "asserted_by": conflict.asserted_by,
    }


def _truncation(truncated: bool) -> dict[str, Any]:
    return {"truncated": truncated, "remedy": LONGER if truncated else None}


def _amounts(brought: Mapping[str, Decimal]) -> dict[str, str]:
    return {currency: f"{amount:f}" for currency, amount in brought.items()}


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
    """Return a node as JSON; moments are ISO 8601."""
    return {
        "uri": node.uri,
        "role": node.role.word,
        "kind": node.kind,
        "digest": node.digest,
        "attributes": dict(node.attributes),
        "started": _moment(node.started),
        "ended": _moment(node.ended),
    }


def edge_to_json(edge: Edge) -> dict[str, Any]:
    """Return an edge as JSON."""
    return {
        "effect": edge.effect,
        "verb": edge.verb.word,
        "cause": edge.cause,
        "proven": edge.proven,
        "asserted_by": list(edge.asserted_by),
        "counts": edge.counts,
    }


def period_to_json(period: Period) -> dict[str, Any]:
    """Return a period of a moving name as JSON; `until` is null while it lasts."""
    fields = {"since": _moment(period.since), "until": _moment(period.until), "agents": list(period.agents)}
    return asdict(period) | fields


def _moment(at: datetime | None) -> str | None:
    return at.isoformat() if at else None
