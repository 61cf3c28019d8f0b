"""The direct path as a picture of at most 14 boxes: SVG that a strict Content-Security-Policy lets through.

Colours come from classes (`box`, `key`, `hop`, `asserted`, `m`, `s`, `b`, `tip`), which the page has that holds it.
What has no box is folded by kind.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from html import escape

from handrail.entrypoints.answers.chain import Chain
from handrail.entrypoints.answers.layer_hops import Hop, hops_between
from handrail.entrypoints.answers.names import name_at, word_of
from handrail.lineage import UNSHOWABLE, Node, Trace, direct_path

MOST_BOXES = 14
WIDTH, HEIGHT, ACROSS, DOWN, TOP = 152, 60, 190, 96, 22
GUTTER = (DOWN - HEIGHT) // 2
MOST_CHARACTERS = 15
Address = Callable[[str], str | None]
# Column and row of each station: what comes first is on the left, and each hop leads to the right or to a neighbour.
_PLACES: Mapping[str, tuple[int, int]] = {
    "raw-data": (0, 1),
    "git-commit": (0, 2),
    "validation": (1, 0),
    "features": (1, 1),
    "training-data": (2, 1),
    "run": (3, 1),
    "artifact-tree": (3, 2),
    "policy": (4, 0),
    "permit": (4, 1),
    "model-version": (4, 2),
    "bento": (5, 0),
    "deployment": (5, 1),
    "prediction": (5, 2),
    "feedback-snapshot": (6, 1),
    "report": (6, 0),
    "start": (6, 2),
}


_ONE = ("features", "validation", "git-commit")


@dataclass(frozen=True, slots=True)
class Box:
    """What is drawn as one box: its station, the things in it, the main one first, and where it stands."""

    station: str
    kind: str
    label: str
    uris: tuple[str, ...]
    column: int
    row: int
    is_key: bool = False

    @property
    def main(self) -> tuple[str, ...]:
        """The things whose hops are drawn: what only stands beside the main one proves nothing about it."""
        return self.uris[:1] if self.station in _ONE else self.uris

    @property
    def left(self) -> int:
        """The x of its left side."""
        return self.column * ACROSS

    @property
    def top(self) -> int:
        """The y of its upper side."""
        return TOP + self.row * DOWN

    @property
    def middle(self) -> int:
        """The y of its middle."""
        return self.top + HEIGHT // 2


@dataclass(frozen=True, slots=True)
class Fold:
    """Things of one kind that have no box, the nearest first."""

    kind: str
    word: str
    nodes: tuple[Node, ...]


def boxes_of(chain: Chain, trace: Trace) -> tuple[Box, ...]:
    """Return the boxes of a chain, with the files of the model and the policy where there is room."""
    uris = {step.station: tuple(node.uri for node in step.nodes) for step in direct_path(trace)}
    drawn = [
        (link.station, link.kind, link.label or link.title, uris.get(link.station, (link.uri,)), link.is_key)
        for link in chain.links
    ]
    stations = {station for station, *_ in drawn}
    for station, kind in (("artifact-tree", "Files of the model"), ("policy", "Policy")):
        found = next((node.uri for node in trace.nodes if node.kind == station), None)
        if found and station not in stations and len(drawn) < MOST_BOXES and {"permit", "model-version"} & stations:
            drawn.append((station, kind, name_at(found), (found,), False))
    columns = sorted({_PLACES[station][0] for station, *_ in drawn})
    return tuple(
        Box(station, kind, label, inside, columns.index(_PLACES[station][0]), _PLACES[station][1], is_key)
        for station, kind, label, inside, is_key in drawn
    )


def folded(chain: Chain, trace: Trace) -> tuple[Fold, ...]:
    """Return what led to it and has no box, by kind, those of the most things first."""
    shown = {uri for box in boxes_of(chain, trace) for uri in box.uris}
    kinds: dict[str, list[Node]] = {}
    for node in trace.nodes:
        if node.uri not in shown:
            kinds.setdefault(node.kind, []).append(node)
    found = (Fold(kind, word_of(kind), tuple(nodes)) for kind, nodes in kinds.items())
    return tuple(sorted(found, key=lambda fold: (-len(fold.nodes), fold.kind)))


def draw_layers(chain: Chain, trace: Trace, address: Address = lambda _: None, *, name: str = "path") -> str:
    """Return the picture as SVG. `address` gives the page of a URI, None if it has none; `name` begins its ids.

    Whole lines are proven hops, those of the class `asserted` are asserted.
    """
    boxes = boxes_of(chain, trace)
    hops = hops_between([box.main for box in boxes], trace)
    if len(boxes) > 1 and boxes[0].uris[0] not in {node.uri for node in trace.nodes}:
        # A prediction, or the permit of the version itself, is no part of the trace.
        hops = (*hops, Hop(0, 1, proven=boxes[0].station == "permit"))
    wide = max(box.left for box in boxes) + WIDTH + 4
    high = max(box.top for box in boxes) + HEIGHT + TOP
    has_links = any(address(box.uris[0]) for box in boxes)
    lines = [
        # What has links in it is no image: its parts could not be reached.
        f'<svg class="fig" viewBox="-2 0 {wide} {high}" role="{"group" if has_links else "img"}" '
        f'aria-labelledby="{escape(name)}-title">',
        f'<title id="{escape(name)}-title">{_text(_finding(boxes, hops))}</title>',
        f'<defs><marker id="{escape(name)}-tip" viewBox="0 0 8 8" refX="6" refY="4" markerWidth="7" markerHeight="7" '
        'orient="auto"><path class="tip" d="M0 0 8 4 0 8z"/></marker></defs>',
        *(_draw_hop(hop, boxes, name) for hop in hops),
        *(_draw_box(box, address(box.uris[0])) for box in boxes),
        "</svg>",
    ]
    return "\n".join(lines)


def _finding(boxes: Sequence[Box], hops: Sequence[Hop]) -> str:
    proven = sum(hop.proven for hop in hops)
    first = min(boxes, key=lambda box: (box.column, box.row))
    last = max(boxes, key=lambda box: (box.column, box.row))
    where = f", from {first.kind} on the left to {last.kind} on the right" if len(boxes) > 1 else ""
    return f"The direct path in {len(boxes)} boxes{where}: {proven} of {len(hops)} hops proven, the others asserted"


def _draw_box(box: Box, address: str | None) -> str:
    whole = f"{box.kind}: {box.label}"
    lines = (
        f"<title>{_text(whole)}</title>"
        f'<rect class="box{" key" if box.is_key else ""}" x="{box.left}" y="{box.top}" '
        f'width="{WIDTH}" height="{HEIGHT}" rx="6"/>'
        f'<text class="m s" x="{box.left + 12}" y="{box.top + 22}">{_text(_cut(box.kind))}</text>'
        f'<text class="b" x="{box.left + 12}" y="{box.top + 43}">{_text(_cut(box.label))}</text>'
    )
    return f'<a href="{escape(address)}">{lines}</a>' if address else f"<g>{lines}</g>"


def _draw_hop(hop: Hop, boxes: Sequence[Box], name: str) -> str:
    cause, effect = boxes[hop.cause], boxes[hop.effect]
    word = "proven" if hop.proven else "asserted"
    title = f"{effect.kind} came from {cause.kind}: {word}"
    return (
        f'<path class="hop{"" if hop.proven else " asserted"}" marker-end="url(#{escape(name)}-tip)" '
        f'd="{_way(cause, effect, boxes)}"><title>{_text(title)}</title></path>'
    )


def _way(cause: Box, effect: Box, boxes: Sequence[Box]) -> str:
    """Return the path of an arrow: straight to a neighbour, else along the gutter below the cause's row."""
    if cause.column == effect.column:
        return _within_column(cause, effect)
    start, end = cause.left + WIDTH, effect.left - 6
    if effect.column < cause.column:
        start, end = cause.left, effect.left + WIDTH + 6
    between = range(min(cause.column, effect.column) + 1, max(cause.column, effect.column))
    bend = 16 if end > start else -16
    if not any(box.row == cause.row and box.column in between for box in boxes):
        turn = end - 2 * bend
        level = f"M{start} {cause.middle}H{turn}" if between else f"M{start} {cause.middle}"
        return f"{level}C{end - bend} {cause.middle} {end - bend} {effect.middle} {end} {effect.middle}"
    # Beside the middle, so that it does not lie on an arrow that leads straight on.
    gutter = cause.top + HEIGHT + GUTTER
    return (
        f"M{start} {cause.middle + 12}C{start + bend} {cause.middle + 12} {start} {gutter} {start + 2 * bend} {gutter}"
        f"H{end - 2 * bend}C{end} {gutter} {end - bend} {effect.middle + 12} {end} {effect.middle + 12}"
    )


def _within_column(cause: Box, effect: Box) -> str:
    x = cause.left + WIDTH // 2
    if abs(cause.row - effect.row) == 1:
        down = cause.row < effect.row
        start, end = (cause.top + HEIGHT, effect.top - 6) if down else (cause.top, effect.top + HEIGHT + 6)
        return f"M{x} {start}V{end}"
    side = cause.left + WIDTH
    out = side + GUTTER
    return f"M{side} {cause.middle}C{out} {cause.middle} {out} {effect.middle} {side + 6} {effect.middle}"


def _cut(text: str) -> str:
    return text if len(text) <= MOST_CHARACTERS else f"{text[: MOST_CHARACTERS - 1]}…"


def _text(text: str) -> str:
    """Escape what anybody may have written; control and bidirectional characters are made visible."""
    return escape(UNSHOWABLE.sub(lambda found: ascii(found.group())[1:-1], text))
