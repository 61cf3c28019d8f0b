"""The graph as it is read back: nodes, edges, walks along them, and the pointers beside it."""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import TypeVar

from handrail.lineage.domain.vocabulary import Role, Verb

N = TypeVar("N", bound=Hashable)


class Direction(Enum):
    """Which way a walk goes."""

    CAUSES = "causes"
    EFFECTS = "effects"


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


@dataclass(frozen=True, slots=True)
class DigestConflict:
    """A finding: one URI was claimed with several digests of one algorithm. `standing` is the one that came first."""

    uri: str
    standing: str
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
class Trace:
    """Everything that led to `start`: nodes nearest first, hops with their proof, and findings on the way."""

    ref: str
    start: str
    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    prediction_id: str | None = None
    truncated: bool = False
    conflicts: tuple[DigestConflict, ...] = ()

    @property
    def proven(self) -> int:
        """How many hops are proven."""
        return sum(edge.proven for edge in self.edges)


@dataclass(frozen=True, slots=True)
class Impact:
    """Everything that `start` led to: nodes nearest first, and predictions by their deployment's URI."""

    ref: str
    start: str
    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    predictions: Mapping[str, int]
    truncated: bool = False

    @property
    def total(self) -> int:
        """The number of predictions; a lower bound if the walk was truncated."""
        return sum(self.predictions.values())

    def of_kind(self, kind: str) -> tuple[Node, ...]:
        """Return the reached nodes of one kind."""
        return tuple(node for node in self.nodes if node.kind == kind)


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
    return tuple(_backwards(goal, before))[::-1] if goal in before else ()


def _backwards(goal: N, before: Mapping[N, N | None]) -> Iterable[N]:
    here: N | None = goal
    while here is not None:
        yield here
        here = before[here]
