"""How traces and impacts look to eyes: as trees with short digests."""

from __future__ import annotations

import re

from rich.console import Console
from rich.text import Text
from rich.tree import Tree

from handrail.bootstrap.lineage import DigestConflict, Edge, Impact, Node, Trace, tell

# Rich cuts the lines of a tree at the width of its console; a terminal wraps what is longer than itself.
trees = Console(width=400)

SHORT = 12
MOST_LINES = 12
_LONG_HEX = re.compile(r"[0-9a-f]{16,}")
TOUCHED = (
    ("model-version", "models"),
    ("permit", "permits"),
    ("deployment", "deployments"),
    ("feedback-snapshot", "feedback snapshots"),
    ("report", "reports"),
)


def shorten(text: str) -> str:
    """Cut each long hexadecimal number to its first 12 digits."""
    return _LONG_HEX.sub(lambda found: f"{found.group()[:SHORT]}…", text)


def draw_trace(trace: Trace) -> Tree:
    """Return the trace as a tree, one branch a section, from the deployment back to the commit."""
    name = f"prediction {trace.prediction_id}" if trace.prediction_id else shorten(trace.start)
    tree = Tree(Text(name, style="bold"))
    for section in tell(trace):
        branch = tree.add(Text(section.title, style="cyan"))
        for hop in section.hops[:MOST_LINES]:
            branch.add(_line(hop.node, hop.via))
        _add_rest(branch, len(section.hops) - MOST_LINES, "more, see --json")
        _add_rest(branch, section.folded, "single files in these folders, see --json")
    for conflict in trace.conflicts:
        tree.add(Text(sentence_of(conflict), style="red"))
    tree.add(Text(_summary(trace), style="dim"))
    return tree


def draw_impact(impact: Impact) -> Tree:
    """Return what a version led to as a tree, ending in numbers of predictions."""
    tree = Tree(Text(shorten(impact.start), style="bold"))
    for kind, title in TOUCHED:
        nodes = impact.of_kind(kind)
        if not nodes:
            continue
        branch = tree.add(Text(title, style="cyan"))
        for node in nodes[:MOST_LINES]:
            line = _line(node, None)
            if node.uri in impact.predictions:
                line.append(f"  {impact.predictions[node.uri]:,} predictions", style="bold")
            branch.add(line)
        _add_rest(branch, len(nodes) - MOST_LINES, "more, see --json")
    rest = f"{len(impact.nodes) - 1:,} artifacts and activities came of it"
    tree.add(Text(f"{impact.total:,} predictions in total; {rest}", style="bold"))
    if impact.truncated:
        tree.add(Text("The node budget ended the walk: all numbers are lower bounds (--max-nodes).", style="yellow"))
    return tree


def sentence_of(conflict: DigestConflict) -> str:
    """Return a digest conflict as a sentence."""
    others = ", ".join(map(shorten, conflict.others))
    tellers = ", ".join(conflict.asserted_by)
    return (
        f"{shorten(conflict.uri)} stands as {shorten(conflict.standing)} but was also claimed as {others} ({tellers})."
    )


def _line(node: Node, via: Edge | None) -> Text:
    line = Text(shorten(node.uri))
    if node.digest:
        line.append(f"  {shorten(node.digest)}", style="dim")
    if via:
        line.append("  proven" if via.proven else "  asserted", style="green" if via.proven else "yellow")
        line.append(f" ({', '.join(via.asserted_by)})", style="dim")
    return line


def _add_rest(branch: Tree, count: int, what: str) -> None:
    if count > 0:
        branch.add(Text(f"{count:,} {what}", style="dim"))


def _summary(trace: Trace) -> str:
    summary = f"{trace.proven} of {len(trace.edges)} hops proven: digests agree on both sides"
    return f"{summary}; the node budget ended the walk (--max-nodes)" if trace.truncated else summary
