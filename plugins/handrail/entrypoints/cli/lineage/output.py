"""How traces and impacts look to eyes: as trees with short digests."""

from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Sequence

from rich.console import Console, Group
from rich.text import Text
from rich.tree import Tree

from handrail.entrypoints.answers.words import counted, plural
from handrail.lineage import (
    TRUNCATED,
    UNSHOWABLE,
    ColumnFact,
    DigestConflict,
    Edge,
    Impact,
    Node,
    NodeDetails,
    Page,
    Period,
    Trace,
    sections_of,
)

# Rich cuts the lines of a tree at the width of its console; a terminal wraps what is longer than itself.
trees = Console(width=400)

SHORT = 12
INDENT = 4
LATER = "later"
"""The attribute with what was said of a run after a model of it was registered."""
MOST_LINES = 12
MOST_OF_AN_ERROR = 120
NOT_COMPLETED = ("FAIL", "ABORT")
_LONG_HEX = re.compile(r"[0-9a-f]{16,}")


def show_tree(tree: Tree) -> None:
    """Print a tree, whole where it is piped; in a terminal with the middle of names cut as far as it is too narrow."""
    trees.print(fit(tree, shutil.get_terminal_size().columns) if sys.stdout.isatty() else tree)


def fit(tree: Tree, width: int) -> Tree:
    """Return the tree with the longest word of each line cut in its middle, so that the line fits if it can."""
    label = tree.label
    if isinstance(label, Text) and label.cell_len > width:
        label = _cut(label, label.cell_len - width)
    fitted = Tree(label)
    fitted.children = [fit(child, width - INDENT) for child in tree.children]
    return fitted


def _cut(line: Text, excess: int) -> Text:
    word = max(line.plain.split(), key=len, default="")
    kept = max(len(word) - excess - 1, SHORT)
    if kept >= len(word):
        return line
    start = line.plain.index(word) + kept // 2
    return line[:start].append("…").append_text(line[start + len(word) - kept :])


def legible(text: object) -> str:
    """Escape control and bidirectional characters: anybody may have sent the text."""
    return UNSHOWABLE.sub(lambda found: ascii(found.group())[1:-1], str(text))


def shorten(text: str) -> str:
    """Cut each long hexadecimal number to its first 12 digits; the rest is legible."""
    return _LONG_HEX.sub(lambda found: f"{found.group()[:SHORT]}…", legible(text))


def draw_trace(trace: Trace, columns: Sequence[ColumnFact] | None = None) -> Tree:
    """Return the trace as a tree, one branch a section, from the deployment back to the commit; columns if asked."""
    name = f"prediction {trace.prediction_id}" if trace.prediction_id else shorten(trace.start)
    tree = Tree(Text(name, style="bold"))
    for section in sections_of(trace):
        branch = tree.add(Text(section.title, style="cyan"))
        for hop in section.hops[:MOST_LINES]:
            branch.add(_line(hop.node, hop.via))
        _add_rest(branch, len(section.hops) - MOST_LINES, "more, see --json")
        _add_rest(branch, section.folded, "single files in these folders, see --json")
    if columns is not None:
        nothing = [Text("no column lineage is known between these", style="dim")]
        _add_branch(tree, f"which columns came from which ({len(columns):,})", [*map(_column, columns)] or nothing)
    for sentence in warnings_of(trace):
        tree.add(Text(sentence, style="red"))
    tree.add(Text(_summary(trace), style="dim"))
    return tree


def warnings_of(trace: Trace) -> Sequence[str]:
    """Return what contradicts in a trace, and what was added too late to count."""
    added = ((shorten(node.uri), node.attributes[LATER]) for node in trace.nodes if LATER in node.attributes)
    late = (f"Added to {name} too late to count: {shorten(what)}" for name, what in added)
    return [*map(sentence_of, trace.conflicts), *late]


def draw_impact(impact: Impact) -> Tree:
    """Return what a version led to as a tree, ending in numbers of predictions and money."""
    what = f"{impact.start}#{impact.column}" if impact.column else impact.start
    tree = Tree(Text(shorten(what), style="bold"))
    for kind, uris in impact.names.items():
        came = [uri for uri in uris if uri != impact.start]
        if not came:
            continue
        branch = tree.add(Text(f"{legible(plural(kind))} ({len(came):,})", style="cyan"))
        for uri in came[:MOST_LINES]:
            branch.add(_end(impact, uri))
        _add_rest(branch, len(came) - MOST_LINES, f"more, list them with --nodes --kind {legible(kind)}")
    others = {kind: number for kind, number in impact.counts.items() if kind not in impact.names}
    if others:
        branch = tree.add(Text("besides, list them with --nodes", style="cyan"))
        words = (counted(number, legible(kind), legible(plural(kind))) for kind, number in others.items())
        branch.add(Text(", ".join(words), style="dim"))
    if impact.failed:
        branch = tree.add(Text(f"runs that failed or were aborted ({len(impact.failed):,})", style="red"))
        for uri in impact.failed[:MOST_LINES]:
            branch.add(Text(shorten(uri)))
        _add_rest(branch, len(impact.failed) - MOST_LINES, "more, see --json")
    tree.add(_sum(impact))
    if impact.truncated:
        tree.add(Text(f"All numbers are lower bounds. {TRUNCATED}", style="yellow"))
    return tree


def _end(impact: Impact, uri: str) -> Text:
    line = Text(shorten(uri))
    if uri in impact.columns:
        line.append(f"  {', '.join(map(legible, impact.columns[uri]))}", style="dim")
    if uri in impact.predictions:
        line.append(f"  {counted(impact.predictions[uri], 'prediction')}", style="bold")
    for currency, amount in sorted(impact.money.get(uri, {}).items()):
        line.append(f"  {amount:,f} {currency}", style="bold")
    return line


def _sum(impact: Impact) -> Text:
    parts = [f"{counted(impact.total, 'prediction')} in total"] if impact.predictions else []
    parts += [f"{amount:,f} {currency}" for currency, amount in impact.total_money.items()]
    parts.append(f"{counted(impact.reached, 'artifact or activity', 'artifacts and activities')} depend on it")
    return Text("; ".join(parts) if impact.reached else "Nothing depends on it.", style="bold")


def draw_page(page: Page) -> Group:
    """Return a page of nodes, a line each, and how to get the next."""
    lines = [
        Text(legible(node.kind), style="cyan").append(f"  {shorten(node.uri)}", style="default") for node in page.nodes
    ]
    rest = f"Go on with --after {page.next}" if page.next else "That is all." if lines else "Nothing more was reached."
    return Group(*lines, Text(rest, style="dim"))


def draw_details(details: NodeDetails) -> Tree:
    """Return all about one node as a tree."""
    node = details.node
    tree = Tree(Text(legible(node.uri), style="bold"))
    for name in details.followed:
        tree.add(Text(f"{legible(details.ref)!r} was read as the name {legible(name)!r}, which points here now"))
    shown = {"digest": node.digest, "started": node.started, "ended": node.ended, **node.attributes}
    facts = [Text(legible(f"{name}: {value}")) for name, value in shown.items() if value]
    _add_branch(tree, f"{legible(node.kind)} ({node.role.word})", facts or [Text("nothing more is known", style="dim")])
    causes = [Text(f"{edge.verb.phrase} ", style="dim").append_text(_hop(edge.cause, edge)) for edge in details.causes]
    effects = [_hop(edge.effect, edge).append(f"  {edge.verb.phrase} this", style="dim") for edge in details.effects]
    _add_branch(tree, "other names of it", [Text(shorten(uri)) for uri in details.alternates])
    _add_branch(tree, f"direct causes ({len(causes):,})", causes)
    _add_branch(tree, f"direct effects ({len(effects):,})", effects)
    own = {details.node.uri, *details.alternates}
    came = [_column(each) for each in details.columns if each.effect in own]
    led = [_column(each) for each in details.columns if each.effect not in own]
    _add_branch(tree, f"what its columns came from ({len(came):,})", came)
    _add_branch(tree, f"what came from its columns ({len(led):,})", led)
    _add_branch(tree, "names that point or pointed at it", [_period(period) for period in details.pointers])
    for conflict in details.conflicts:
        tree.add(Text(sentence_of(conflict), style="red"))
    if details.truncated:
        tree.add(
            Text("It has more neighbours than these; count them: handrail lineage impact --depth 1.", style="yellow")
        )
    return tree


def _column(fact: ColumnFact) -> Text:
    effect, cause = (shorten(f"{uri} {name}" if name else f"{uri} as a whole") for uri, name in _ends(fact))
    line = Text(f"{effect} from {cause}")
    return line.append(f"  {legible(fact.how)}" if fact.how else "", style="dim")


def _ends(fact: ColumnFact) -> tuple[tuple[str, str], tuple[str, str]]:
    return (fact.effect, fact.column), (fact.cause, fact.source)


def _add_branch(tree: Tree, title: str, lines: Sequence[Text]) -> None:
    if lines:
        branch = tree.add(Text(title, style="cyan"))
        for line in lines[:MOST_LINES]:
            branch.add(line)
        _add_rest(branch, len(lines) - MOST_LINES, "more, see --json")


def _period(period: Period) -> Text:
    until = f"until {period.until.isoformat()}" if period.until else "until now"
    return Text(f"{period.name}  {period.since.isoformat()} {until}  by {shorten(period.by)}")


def sentence_of(conflict: DigestConflict) -> str:
    """Return a digest conflict as a sentence."""
    others = ", ".join(map(shorten, conflict.others))
    sources = ", ".join(conflict.asserted_by)
    return f"{shorten(conflict.uri)} has {shorten(conflict.first)} but was also claimed as {others} ({sources})."


def _line(node: Node, via: Edge | None) -> Text:
    line = Text(shorten(node.uri))
    if node.digest:
        line.append(f"  {shorten(node.digest)}", style="dim")
    line = line.append_text(_proof(via)) if via else line
    return line.append_text(_failure(node)).append_text(_left_out(node))


def _failure(node: Node) -> Text:
    """Return in what state a run ended and why, if it did not complete."""
    state, error = node.attributes.get("state"), node.attributes.get("error")
    if state not in NOT_COMPLETED:
        return Text()
    return Text(f"  {state}{f': {shorten(_first_line(error))}' if error else ''}", style="red")


def _left_out(node: Node) -> Text:
    edges = node.attributes.get("left_out")
    return Text(f"  left out, because it closes a circle: {shorten(edges)}" if edges else "", style="yellow")


def _first_line(text: str) -> str:
    return text.strip().partition("\n")[0][:MOST_OF_AN_ERROR]


def _hop(uri: str, edge: Edge) -> Text:
    return Text(shorten(uri), style="default").append_text(_proof(edge))


def _proof(edge: Edge) -> Text:
    if not edge.counts:
        return Text(f"  asserted by {', '.join(edge.asserted_by)}, who has no say in it", style="red")
    mark = Text("  proven" if edge.proven else "  asserted", style="green" if edge.proven else "yellow")
    return mark.append(f" ({', '.join(edge.asserted_by)})", style="dim")


def _add_rest(branch: Tree, count: int, what: str) -> None:
    if count > 0:
        branch.add(Text(f"{count:,} {what}", style="dim"))


def _summary(trace: Trace) -> str:
    summary = "No hop leads from it"
    if trace.edges:
        hops = counted(len(trace.edges), "hop")
        summary = f"{trace.proven:,} of {hops} proven (digests agree on both sides), others asserted"
        summary = summary.removesuffix(", others asserted") if trace.proven == len(trace.edges) else summary
    if trace.hidden:
        summary += f"; {trace.hidden:,} nodes of other kinds are not shown"
    return f"{summary}. {TRUNCATED}" if trace.truncated else summary
