"""The page of a trace: one sentence, the direct path with times and people, a picture of it, and the rest folded."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from handrail.bootstrap import Platform
from handrail.bootstrap.explaining import kept_explanation
from handrail.entrypoints.answers.chain import Chain, chain_about
from handrail.entrypoints.answers.layers import draw_layers, folded
from handrail.entrypoints.answers.mlflow_pages import Pages
from handrail.entrypoints.console.pages import Page, ours
from handrail.entrypoints.console.subject_page import subject_page
from handrail.entrypoints.console.words import counted
from handrail.errors import HandrailError, UnknownReference
from handrail.lineage import AmbiguousReference, Lineage, Trace

MOST_NODES = 5_000
"""After so many things a trace for a page ends; the command reads on."""
MOST_LISTED = 200
MOST_FEATURES = 10
AddressOf = Callable[[str], str | None]


def ask_page() -> Page:
    """Return the page that asks what is to be traced."""
    return Page("trace.html", "What led to it?", {"q": "", "found": False})


def trace_page(platform: Platform, lineage: Lineage, q: str, address: AddressOf, pages: Pages | None = None) -> Page:
    """Return the page of what led to something.

    Args:
        platform: what else is recorded about the path, in feedback and by the gate.
        lineage: where it is looked for.
        q: any name of it; of a subject, its predictions are listed.
        address: the page of a URI on the server that shows this, None where there is none.
        pages: where MLflow shows things, None where nothing is to lead there.

    Raises:
        UnknownReference: nothing has that name.
        InvalidInput: several things have it.
        Unavailable: the store cannot be read.
    """
    try:
        trace = lineage.trace(q, MOST_NODES)
    except (AmbiguousReference, UnknownReference):
        if page := subject_page(platform, q, address):
            return page
        raise
    chain = chain_about(platform, lineage, trace)
    facts = chain.to_json() | {"q": q} | _facts(chain, trace) | _explained(platform, trace)
    for link in facts["path"]:
        link["address"] = address(link["uri"])
        shown = pages.page_of(link["uri"]) if pages else ""
        link["in_mlflow"] = "" if shown == link["address"] else shown
    extra = {"picture": ours(draw_layers(chain, trace, address))}
    return Page("trace.html", str(facts["title"]), facts, 200, extra)


def _facts(chain: Chain, trace: Trace) -> dict[str, Any]:
    return {
        "found": True,
        "uri": trace.start,
        "title": f"What led to {_name(chain, trace)}",
        "nodes": len(trace.nodes),
        "hops": len(trace.edges),
        "proven": trace.proven,
        "truncated": trace.truncated,
        "folds": [
            {
                "kind": fold.kind,
                "title": f"{fold.word}: {len(fold.nodes):,}",
                "things": [{"uri": node.uri, "digest": node.digest} for node in fold.nodes[:MOST_LISTED]],
                "more": max(len(fold.nodes) - MOST_LISTED, 0),
            }
            for fold in folded(chain, trace)
        ],
        "asserted": _asserted(trace),
    }


def _explained(platform: Platform, trace: Trace) -> dict[str, Any]:
    """Return what made the answer as it was explained before; explaining takes seconds, so no page starts it."""
    if trace.prediction_id is None:
        return {"prediction_id": None, "explained": None}
    try:
        kept = kept_explanation(platform, trace.prediction_id)
    except HandrailError as err:
        return {"prediction_id": trace.prediction_id, "explained": {"refused": str(err)}}
    found = None if kept is None else kept.to_json()
    if found is not None:
        found["more"] = max(len(found["contributions"]) - MOST_FEATURES, 0)
        found["contributions"] = found["contributions"][:MOST_FEATURES]
    return {"prediction_id": trace.prediction_id, "explained": found}


def _name(chain: Chain, trace: Trace) -> str:
    if trace.prediction_id:
        return f"prediction {trace.prediction_id[:8]}"
    # A permit that was given for the thing later stands above it.
    own = next((link for link in chain.links if link.uri == trace.start), None)
    return own.label or own.title if own else trace.start


def _asserted(trace: Trace) -> list[dict[str, Any]]:
    by: dict[str, int] = {}
    for edge in trace.edges:
        if not edge.proven:
            for source in edge.asserted_by or ("nobody",):
                by[source] = by.get(source, 0) + 1
    return [{"by": source, "hops": counted(count, "hop")} for source, count in sorted(by.items())]
