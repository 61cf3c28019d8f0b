"""Where a person without a name of anything begins: one box that takes every name, and what it found."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from handrail.bootstrap import Platform
from handrail.entrypoints.console.pages import Page
from handrail.entrypoints.console.subject_page import subject_page
from handrail.errors import UnknownReference
from handrail.lineage import Edge, Lineage, NodeDetails

MOST_NEIGHBOURS = 12


def start_page(platform: Platform, lineage: Lineage, asked: str, address: Callable[[str], str | None]) -> Page:
    """Return the search box, and what has the name that was asked for, if any was; predictions too, and subjects.

    `address` gives the page of a prediction by its id.

    Raises:
        UnknownReference: nothing has that name.
        AmbiguousReference: it fits several things.
    """
    try:
        found = _found(platform, lineage, asked) if asked else None
    except UnknownReference:
        if page := subject_page(platform, asked, address):
            return page
        raise
    title = f"What “{asked}” is" if asked else "Search lineage"
    return Page("start.html", title, {"asked": asked, "found": found})


def _found(platform: Platform, lineage: Lineage, asked: str) -> dict[str, Any]:
    try:
        made = platform.feedback.find_prediction(asked)
    except UnknownReference:
        return _details(lineage.show(asked))
    row: dict[str, Any] = {"uri": made.prediction_id, "kind": "prediction", "digest": made.features_digest or None}
    attributes = {"subject": made.subject, "made at": made.made_at.isoformat(), "score": f"{made.score:g}"}
    ends = {"causes": [{"uri": made.deployment, "proven": False}], "effects": []}
    return row | {"attributes": attributes, "pointers": [], "more": False, "contradicted": []} | ends


def _details(details: NodeDetails) -> dict[str, Any]:
    node = details.node
    return {
        "uri": node.uri,
        "kind": node.kind,
        "digest": node.digest,
        "attributes": dict(sorted(node.attributes.items())),
        "pointers": [
            {
                "name": each.name,
                "since": each.since.isoformat(),
                "until": each.until.isoformat() if each.until else None,
            }
            for each in details.pointers
        ],
        "causes": _ends(details.causes, "cause"),
        "effects": _ends(details.effects, "effect"),
        "more": details.truncated or max(len(details.causes), len(details.effects)) > MOST_NEIGHBOURS,
        "contradicted": [each.uri for each in details.conflicts],
    }


def _ends(edges: tuple[Edge, ...], end: str) -> list[dict[str, Any]]:
    return [{"uri": getattr(each, end), "proven": each.proven} for each in edges[:MOST_NEIGHBOURS]]
