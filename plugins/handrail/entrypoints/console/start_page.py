"""Where a person without a name of anything begins: one box that takes every name, and what it found."""

from __future__ import annotations

from typing import Any

from handrail.entrypoints.console.pages import Page
from handrail.lineage import Edge, Lineage, NodeDetails

MOST_NEIGHBOURS = 12


def start_page(lineage: Lineage, asked: str) -> Page:
    """Return the search box, and what has the name that was asked for, if any was.

    Raises:
        UnknownReference: nothing has that name.
        AmbiguousReference: it fits several things.
    """
    found = _found(lineage.show(asked)) if asked else None
    title = f"What “{asked}” is" if asked else "Search lineage"
    return Page("start.html", title, {"asked": asked, "found": found})


def _found(details: NodeDetails) -> dict[str, Any]:
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
