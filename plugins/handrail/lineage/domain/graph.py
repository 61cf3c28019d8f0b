"""The graph as it is read back: nodes, edges, walks along them, and pointers."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum

from handrail.errors import InvalidInput
from handrail.lineage.domain.authority import counts
from handrail.lineage.domain.vocabulary import Role, Verb


class Direction(Enum):
    """Which way a walk goes."""

    CAUSES = "causes"
    EFFECTS = "effects"


@dataclass(frozen=True, slots=True)
class Reachable:
    """What can be reached from a URI, itself included, in at most `depth` hops; of more than `max_nodes` the nearest.

    Raises:
        InvalidInput: the budget or the depth is less than 1.
    """

    start: str
    direction: Direction
    max_nodes: int
    depth: int | None = None

    def __post_init__(self) -> None:
        if self.max_nodes < 1:
            raise InvalidInput("max_nodes", f"{self.max_nodes} is not a budget", "Give at least 1.")
        if self.depth is not None and self.depth < 1:
            raise InvalidInput("depth", f"{self.depth} is not a number of hops", "Give at least 1, or none for all.")

    def is_deep_enough(self, levels: int) -> bool:
        """Return whether no level is left to visit after so many, the start's own included."""
        return self.depth is not None and levels > self.depth


@dataclass(frozen=True, slots=True)
class Node:
    """An immutable artifact, an activity or an agent. An attribute with several values holds them joined by ` | `."""

    uri: str
    role: Role
    kind: str
    digest: str | None = None
    attributes: Mapping[str, str] = field(default_factory=dict)
    started: datetime | None = None
    ended: datetime | None = None


@dataclass(frozen=True, slots=True)
class Edge:
    """A hop from an effect to its cause; proven when digests agree on both sides, else asserted."""

    effect: str
    cause: str
    verb: Verb
    proven: bool
    asserted_by: tuple[str, ...] = ()

    @property
    def counts(self) -> bool:
        """Whether one of the sources may decide about the effect; else others only assert it."""
        return counts(self.effect, self.asserted_by)


@dataclass(frozen=True, slots=True)
class DigestConflict:
    """A finding: one URI was claimed with several digests of one algorithm. `first` was recorded first and is used."""

    uri: str
    first: str
    others: tuple[str, ...]
    asserted_by: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Walk:
    """What was reached from `start`, itself included; `truncated` if the node budget ended the walk."""

    start: str
    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    truncated: bool = False


@dataclass(frozen=True, slots=True)
class Pointer:
    """A moving name's target from a moment on; no target means that the name was taken away."""

    name: str
    target: str | None
    at: datetime
    by: str


@dataclass(frozen=True, slots=True)
class Tally:
    """How many nodes of each kind were reached from `start`, itself included, and the URIs of those of some kinds.

    `failed` has the URIs of all runs of OpenLineage that were reached and failed or were aborted.
    """

    start: str
    kinds: Mapping[str, int]
    names: Mapping[str, Sequence[str]]
    truncated: bool = False
    failed: Sequence[str] = ()


def order_by_distance(walk: Walk, direction: Direction) -> tuple[Node, ...]:
    """Return the nodes of a walk, nearest first, those of equal distance by URI."""
    near: dict[str, list[str]] = {}
    for edge in walk.edges:
        here, there = (edge.effect, edge.cause) if direction is Direction.CAUSES else (edge.cause, edge.effect)
        near.setdefault(here, []).append(there)
    distance = {walk.start: 0}
    queue = deque([walk.start])
    while queue:
        here = queue.popleft()
        for there in near.get(here, ()):
            if there not in distance:
                distance[there] = distance[here] + 1
                queue.append(there)
    return tuple(sorted(walk.nodes, key=lambda node: (distance.get(node.uri, len(walk.nodes)), node.uri)))
