"""Which boxes of a picture lead to which: what lies between them is left out, and no detour is drawn twice."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from handrail.lineage import Edge, Trace


@dataclass(frozen=True, slots=True)
class Hop:
    """That a box led to another, by their numbers; proven if a way of proven hops alone leads there."""

    effect: int
    cause: int
    proven: bool


def hops_between(boxes: Sequence[Collection[str]], trace: Trace) -> tuple[Hop, ...]:
    """Return the hops between boxes, each given by the URIs in it; what leads there through a third box is left out.

    A proven hop stays unless the way through others is proven too.
    """
    counting = [edge for edge in trace.edges if edge.counts]
    proven = _direct(boxes, [edge for edge in counting if edge.proven])
    known = _direct(boxes, counting) | proven
    needed = {pair for pair in proven if not _leads(pair, proven)}
    needed |= {pair for pair in known - proven if not _leads(pair, known)}
    return tuple(Hop(effect, cause, (effect, cause) in proven) for effect, cause in sorted(needed))


def _direct(boxes: Sequence[Collection[str]], edges: Iterable[Edge]) -> set[tuple[int, int]]:
    """Return the pairs of boxes with a way between them that touches no third one."""
    holders: dict[str, int] = {uri: number for number, uris in enumerate(boxes) for uri in uris}
    causes: dict[str, list[str]] = {}
    for edge in edges:
        causes.setdefault(edge.effect, []).append(edge.cause)
    pairs = set()
    for number, uris in enumerate(boxes):
        seen, ahead = set(uris), list(uris)
        while ahead:
            for there in causes.get(ahead.pop(), ()):
                if there in seen:
                    continue
                seen.add(there)
                if there in holders:
                    pairs.add((number, holders[there]))
                else:
                    ahead.append(there)
    return {(effect, cause) for effect, cause in pairs if effect != cause}


def _leads(pair: tuple[int, int], pairs: Collection[tuple[int, int]]) -> bool:
    """Return whether another way than the pair itself leads from its effect to its cause."""
    effect, cause = pair
    seen = {effect}
    ahead = [effect]
    while ahead:
        here = ahead.pop()
        for start, end in pairs:
            if start != here or (start, end) == pair or end in seen:
                continue
            if end == cause:
                return True
            seen.add(end)
            ahead.append(end)
    return False
