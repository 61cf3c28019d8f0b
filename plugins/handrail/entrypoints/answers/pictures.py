"""A part of the graph as a picture that a person can read: Mermaid and Graphviz, from causes to effects.

In a large one files that stand in one folder, with the same causes and the same effects, are drawn as one box.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import unquote

from handrail.entrypoints.answers.words import plural
from handrail.lineage import UNSHOWABLE, Node, Role, Trace, Verb

LARGE = 30
FEWEST = 3
MOST_CHARACTERS = 44
HEX_DIGITS = 8
_LONG_HEX = re.compile(r"[0-9a-f]{16,}")
# What stands before a name, but for bentos: their name is where others have a server, a project or a repository.
_AUTHORITY = re.compile(r"bento(?:-build|-model)?://|[a-z][a-z0-9+.-]*://[^/]*/?")
_COLOURS = {Role.ARTIFACT: "#e8f0fe", Role.ACTIVITY: "#fff4d6", Role.AGENT: "#e6f4ea"}
_START = "#fce8e6"
# An arrow is read from the cause to the effect.
_WORDS = {
    Verb.USED: "used by",
    Verb.GENERATED: "generated",
    Verb.DERIVED_FROM: "turned into",
    Verb.ASSOCIATED_WITH: "answers for",
    Verb.ALTERNATE_OF: "also named",
}
_MERMAID_SHAPES = {Role.ARTIFACT: '["{}"]', Role.ACTIVITY: '(["{}"])', Role.AGENT: '{{{{"{}"}}}}'}
_DOT_SHAPES = {Role.ARTIFACT: "box", Role.ACTIVITY: "ellipse", Role.AGENT: "hexagon"}
_ESCAPED = str.maketrans({"#": "#35;", "&": "#amp;", '"': "#quot;", "<": "#lt;", ">": "#gt;", "`": "#96;"})
_LEGEND = "whole lines: proven, digests agree on both sides; broken lines: asserted by a tool"


@dataclass(frozen=True, slots=True)
class Box:
    """What is drawn as one: a node, or the files of a folder."""

    lines: tuple[str, ...]
    role: Role
    is_start: bool = False


@dataclass(frozen=True, slots=True)
class Arrow:
    """What leads from one box to another; proven if every hop that it represents is."""

    cause: int
    effect: int
    word: str
    proven: bool


def to_mermaid(part: Trace) -> str:
    """Return a Mermaid flowchart; proven hops are whole lines, asserted ones dotted."""
    boxes, arrows = arrange(part)
    lines = ["flowchart TD"]
    for number, box in enumerate(boxes):
        label = "<br/>".join(line.translate(_ESCAPED) for line in box.lines)
        style = "start" if box.is_start else box.role.word
        lines.append(f"    n{number}{_MERMAID_SHAPES[box.role].format(label)}:::{style}")
    for arrow in arrows:
        lines.append(f"    n{arrow.cause} {'-->' if arrow.proven else '-.->'}|{arrow.word}| n{arrow.effect}")
    for style, colour in {"start": _START, **{role.word: _COLOURS[role] for role in Role}}.items():
        lines.append(f"    classDef {style} fill:{colour},stroke:#5f6368,color:#202124")
    return "\n".join(lines) + "\n"


def to_dot(part: Trace) -> str:
    """Return a Graphviz digraph; proven hops are solid, asserted ones dashed."""
    boxes, arrows = arrange(part)
    lines = [
        "digraph lineage {",
        "    rankdir=TB; nodesep=0.15; ranksep=0.5; fontname=sans; fontsize=10; labelloc=b;",
        f'    label="{_LEGEND}";',
        '    node [style="filled,rounded", fontname=sans, fontsize=10, color="#5f6368", margin="0.1,0.05"];',
        '    edge [fontname=sans, fontsize=8, fontcolor="#80868b", color="#5f6368", arrowsize=0.6];',
    ]
    for number, box in enumerate(boxes):
        label = "\\n".join(line.replace("\\", "\\\\").replace('"', '\\"') for line in box.lines)
        colour = _START if box.is_start else _COLOURS[box.role]
        lines.append(f'    n{number} [shape={_DOT_SHAPES[box.role]}, fillcolor="{colour}", label="{label}"];')
    for arrow in arrows:
        style = "solid" if arrow.proven else "dashed"
        lines.append(f'    n{arrow.cause} -> n{arrow.effect} [label="{arrow.word}", style={style}];')
    return "\n".join([*lines, "}"]) + "\n"


def arrange(part: Trace) -> tuple[list[Box], list[Arrow]]:
    """Return the boxes, in the order of the nodes, and the arrows between them, each once."""
    boxes: list[Box] = []
    places: dict[str, int] = {}
    for group in _groups(part):
        places |= {node.uri: len(boxes) for node in group}
        boxes.append(_box(group, part.start))
    hops: dict[tuple[int, int, str], bool] = {}
    for edge in part.edges:
        is_named_twice = edge.verb is Verb.ALTERNATE_OF and edge.effect < edge.cause
        if edge.cause in places and edge.effect in places and not is_named_twice:
            key = places[edge.cause], places[edge.effect], _WORDS[edge.verb]
            hops[key] = hops.get(key, True) and edge.proven
    return boxes, [Arrow(*key, proven) for key, proven in hops.items()]


def _groups(part: Trace) -> Sequence[Sequence[Node]]:
    if len(part.nodes) <= LARGE:
        return [[node] for node in part.nodes]
    around: dict[str, set[tuple[str, str]]] = defaultdict(set)
    for edge in part.edges:
        around[edge.effect].add(("from", edge.cause))
        around[edge.cause].add(("to", edge.effect))
    alike: dict[object, list[Node]] = defaultdict(list)
    for node in part.nodes:
        is_file = node.role is Role.ARTIFACT and node.uri != part.start
        alike[(node.kind, _folder(node.uri), frozenset(around[node.uri])) if is_file else node.uri].append(node)
    return [
        group for nodes in alike.values() for group in ([nodes] if len(nodes) >= FEWEST else [[one] for one in nodes])
    ]


def _box(group: Sequence[Node], start: str) -> Box:
    node = group[0]
    if len(group) == 1:
        return Box((node.kind, *_wrapped(_short(node.uri))), node.role, node.uri == start)
    return Box((f"{len(group):,} {plural(node.kind)}", *_wrapped(_short(f"{_folder(node.uri)}/"))), node.role)


def _folder(uri: str) -> str:
    return uri.rpartition("@")[0].rpartition("/")[0] or uri.rpartition("/")[0]


def _short(uri: str) -> str:
    """Return a name without its scheme and authority, its long numbers cut."""
    name = _LONG_HEX.sub(lambda found: f"{found.group()[:HEX_DIGITS]}…", _AUTHORITY.sub("", uri, count=1) or uri)
    decoded = unquote(name)
    return name if UNSHOWABLE.search(decoded) else decoded


def _wrapped(text: str) -> tuple[str, ...]:
    """Break a long name into lines, after a slash where there is one."""
    lines = []
    while len(text) > MOST_CHARACTERS:
        at = text.rfind("/", MOST_CHARACTERS // 2, MOST_CHARACTERS) + 1 or MOST_CHARACTERS
        lines.append(text[:at])
        text = text[at:]
    return (*lines, text)
