"""Circles among edges: which edges can be part of one, which nodes reach one another, and shortest paths.

An edge is a pair: the number of an effect, and that of its cause.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Collection, Hashable, Iterable, Iterator, Mapping, Sequence
from typing import TypeVar

Pair = tuple[int, int]
TWIN = -1
N = TypeVar("N", bound=Hashable)


def find_core(pairs: Iterable[Pair]) -> set[Pair]:
    """Return the edges that are left when nodes without a cause, then nodes without an effect, are removed (Kahn).

    Every circle is among them; if there is none, nothing is left. No pair may occur twice.
    """
    left = _remove_free((effect, cause) for effect, cause in pairs)
    return {(effect, cause) for cause, effect in _remove_free((cause, effect) for effect, cause in left)}


def _remove_free(pairs: Iterable[Pair]) -> set[Pair]:
    """Return the pairs that are left when those whose second node is the first of none are removed, again and again."""
    before: dict[int, list[int]] = defaultdict(list)
    waiting: dict[int, int] = defaultdict(int)
    for one, other in pairs:
        before[other].append(one)
        waiting[one] += 1
    free = [node for node in before if node not in waiting]
    while free:
        for one in before.pop(free.pop(), ()):
            waiting[one] -= 1
            if not waiting[one]:
                free.append(one)
    return {(one, other) for other, ones in before.items() for one in ones if waiting[other]}


def find_rings(core: Iterable[Pair]) -> Iterator[list[int]]:
    """Yield the sets of nodes that reach one another, two or more in each, in ascending order."""
    causes, effects = neighbours_of(core)
    unseen = set(causes)
    while unseen:
        start = min(unseen)
        ring = _reach(causes, start, unseen) & _reach(effects, start, unseen)
        unseen -= ring
        if len(ring) > 1:
            yield sorted(ring)


def neighbours_of(pairs: Iterable[Pair]) -> tuple[Mapping[int, list[int]], Mapping[int, list[int]]]:
    """Return the causes of each effect and the effects of each cause, in the order of the pairs."""
    causes: dict[int, list[int]] = defaultdict(list)
    effects: dict[int, list[int]] = defaultdict(list)
    for effect, cause in pairs:
        causes[effect].append(cause)
        effects[cause].append(effect)
    return dict(causes), dict(effects)


def _reach(neighbours: Mapping[int, Sequence[int]], start: int, within: set[int]) -> set[int]:
    reached, queue = {start}, [start]
    while queue:
        for there in neighbours.get(queue.pop(), ()):
            if there in within and there not in reached:
                reached.add(there)
                queue.append(there)
    return reached


def find_way_around(ring: Sequence[int], causes: Mapping[int, Sequence[int]]) -> list[int]:
    """Return a shortest way from the first of a ring back to it, from effect to cause."""
    # The twin has the causes of the first: a path from the twin to the first is a way around.
    path = find_path(TWIN, ring[0], {TWIN: causes[ring[0]], **{node: causes[node] for node in ring}})
    return [ring[0], *path[1:-1]]


def find_closing(held: Iterable[Pair], given: Iterable[Pair]) -> set[Pair]:
    """Return those of the given edges that close a circle with `held` ones, or with given ones before them."""
    causes: dict[int, set[int]] = defaultdict(set)
    for effect, cause in held:
        causes[effect].add(cause)
    closing: set[Pair] = set()
    for effect, cause in given:
        if _leads(cause, effect, causes):
            closing.add((effect, cause))
        else:
            causes[effect].add(cause)
    return closing


def _leads(start: int, goal: int, causes: Mapping[int, Collection[int]]) -> bool:
    seen, ahead = {start}, [start]
    while ahead and goal not in seen:
        beyond = [each for each in causes.get(ahead.pop(), ()) if each not in seen]
        seen.update(beyond)
        ahead += beyond
    return goal in seen


def find_path(start: N, goal: N, neighbours: Mapping[N, Sequence[N]]) -> tuple[N, ...]:
    """Return the nodes of a shortest path from `start` to `goal`, both included; empty if there is none."""
    before: dict[N, N | None] = {start: None}
    queue = deque([start])
    while queue and goal not in before:
        here = queue.popleft()
        for there in neighbours.get(here, ()):
            if there not in before:
                before[there] = here
                queue.append(there)
    if goal not in before:
        return ()
    path = [goal]
    while path[-1] != start:
        path.append(before[path[-1]])  # type: ignore[arg-type]  # only the start comes from nowhere
    return tuple(path[::-1])
