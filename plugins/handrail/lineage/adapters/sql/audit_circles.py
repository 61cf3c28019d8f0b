"""Finds circles in the edges that are held, of any length. None can be recorded, so each was written past Handrail."""

from __future__ import annotations

from array import array
from collections import deque
from collections.abc import Iterator, Sequence
from itertools import accumulate

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from handrail.lineage.adapters.sql.tables import edge, node
from handrail.lineage.domain import Flaw

FETCHED = 10_000
SHOWN = 8
Neighbours = dict[int, list[int]]


def circles(connection: Connection) -> Iterator[Flaw]:
    """Return a flaw for each set of things that lead to one another, with a shortest way around; one edge is none."""
    numbers: dict[int, int] = {}
    effects, causes = array("i"), array("i")
    # In order, so that the same tables always name the same flaw; the key's index gives them so.
    query = sa.select(edge.c.effect, edge.c.cause).distinct().where(edge.c.effect != edge.c.cause)
    query = query.order_by(edge.c.effect, edge.c.cause)
    for effect, cause in connection.execute(query.execution_options(yield_per=FETCHED)):
        effects.append(numbers.setdefault(effect, len(numbers)))
        causes.append(numbers.setdefault(cause, len(numbers)))
    left = _unpeeled(effects, causes, len(numbers))
    if not left:
        return
    ids = list(numbers)
    towards: Neighbours = {number: [] for number in left}
    for effect, cause in zip(effects, causes, strict=True):
        if effect in left and cause in left:
            towards[effect].append(cause)
    for ring in sorted(_rings(towards), key=lambda ring: ids[ring[0]]):
        way = _way_around(towards, ring)
        yield _flaw(connection, [ids[number] for number in way], len(ring))


def _unpeeled(effects: Sequence[int], causes: Sequence[int], count: int) -> set[int]:
    """Take away, again and again, what has no cause (left) and what has no effect; what stays holds every circle."""
    left = set(_peel(effects, causes, count))
    if not left:
        return left
    kept = [(effect, cause) for effect, cause in zip(effects, causes, strict=True) if effect in left and cause in left]
    return left & set(_peel([cause for _, cause in kept], [effect for effect, _ in kept], count))


def _peel(effects: Sequence[int], causes: Sequence[int], count: int) -> list[int]:
    """Return the numbers below `count` that keep a cause when everything without one is taken away in turn."""
    waiting, fan = array("i", bytes(4 * count)), array("i", bytes(4 * count))
    for effect, cause in zip(effects, causes, strict=True):
        waiting[effect] += 1
        fan[cause] += 1
    starts = array("i", [0, *accumulate(fan)])
    filled, beyond = array("i", starts), array("i", bytes(4 * len(effects)))
    for effect, cause in zip(effects, causes, strict=True):
        beyond[filled[cause]] = effect
        filled[cause] += 1
    free = [number for number in range(count) if waiting[number] == 0]
    while free:
        here = free.pop()
        for position in range(starts[here], starts[here + 1]):
            effect = beyond[position]
            waiting[effect] -= 1
            if waiting[effect] == 0:
                free.append(effect)
    return [number for number in range(count) if waiting[number] > 0]


def _rings(towards: Neighbours) -> Iterator[list[int]]:
    """Return the sets of nodes that reach one another, two or more in each, in ascending order."""
    back: Neighbours = {number: [] for number in towards}
    for effect, found in towards.items():
        for cause in found:
            back[cause].append(effect)
    unseen = set(towards)
    while unseen:
        start = min(unseen)
        ring = _reach(towards, start, unseen) & _reach(back, start, unseen)
        unseen -= ring
        if len(ring) > 1:
            yield sorted(ring)


def _reach(towards: Neighbours, start: int, within: set[int]) -> set[int]:
    reached, queue = {start}, [start]
    while queue:
        for there in towards[queue.pop()]:
            if there in within and there not in reached:
                reached.add(there)
                queue.append(there)
    return reached


def _way_around(towards: Neighbours, ring: Sequence[int]) -> list[int]:
    """Return a shortest way from the first of a ring back to it."""
    start, within = ring[0], set(ring)
    before: dict[int, int] = {}
    queue = deque([start])
    while start not in before:
        here = queue.popleft()
        for there in towards[here]:
            if there in within and there not in before:
                before[there] = here
                queue.append(there)
    way = [before[start]]
    while way[-1] != start:
        way.append(before[way[-1]])
    return way[::-1]


def _flaw(connection: Connection, way: Sequence[int], size: int) -> Flaw:
    query = sa.select(node.c.id, node.c.uri).where(node.c.id.in_(way[: SHOWN + 1]))
    uris = {row.id: row.uri for row in connection.execute(query)}
    names = [uris.get(each, f"node {each}") for each in way[: SHOWN + 1]]
    more = [f"{len(way) - len(names)} more"] if len(way) > len(names) else []
    told = " from ".join([*names[1:], *more, names[0]])
    return Flaw("circle", names[0], f"it is one of {size} things that lead to one another: it came from {told}")
