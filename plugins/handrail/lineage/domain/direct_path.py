"""The direct path of a trace: of each sort of thing the one nearest the start, from the report back to the commit.

It is read from the kinds of the graph, so every project has one, whatever tools it uses. What nobody who decides about
it said (see `authority`) is never on the path.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from handrail.lineage.domain.answers import Trace
from handrail.lineage.domain.completeness import DESCRIPTIONS, MADE
from handrail.lineage.domain.graph import Edge, Node
from handrail.lineage.domain.pipeline import TRAINING_SET
from handrail.lineage.domain.sections import folders_of
from handrail.lineage.domain.vocabulary import Role

LEARNED = frozenset(("model-version", "logged-model", "tracking-run"))
CODE = (".py", ".pyi", ".ipynb", ".sql", ".r", ".jl", ".scala", ".java", ".js", ".ts", ".sh", ".toml", ".cfg", ".ini")
_NO_DATA = frozenset(
    ("git-commit", "source-file", "feature-rows", "online-features", "validation", "feedback-snapshot", "report")
    + ("deployment", "reproduction")
)
_ASIDE = frozenset(
    ("promotion-decision", "evaluation", "bento-build", "checkpoint-run", "feature-apply", "feature-push", "job")
    + ("materialization", "online-read", "feature-retrieval", "flow-deployment")
)


@dataclass(frozen=True, slots=True)
class Step:
    """A station of the path: the things that stand there, the main one first, and the hop that leads to it.

    `via` is None where the path begins. `parts` is the number of single files in them, 0 if they are no folders.
    """

    station: str
    nodes: tuple[Node, ...]
    via: Edge | None = None
    parts: int = 0

    @property
    def node(self) -> Node:
        """The main thing of this station."""
        return self.nodes[0]


def _kinds(*kinds: str) -> Callable[[Node], bool]:
    return lambda node: node.kind in kinds


START, PERMIT, RUN, DATA, FEATURES, CHECK, RAW, COMMIT = (
    "start", "permit", "run", "training-data", "features", "validation", "raw-data", "git-commit",
)  # fmt: skip
_SINGLE: tuple[tuple[str, Callable[[Node], bool]], ...] = (
    ("report", _kinds("report")),
    ("feedback-snapshot", _kinds("feedback-snapshot")),
    ("deployment", _kinds("deployment")),
    ("bento", _kinds("bento")),
    (PERMIT, _kinds("permit")),
    ("model-version", _kinds("model-version")),
)
STATIONS = (*(name for name, _ in _SINGLE), RUN, DATA, FEATURES, CHECK, RAW, COMMIT)
"""The stations in their order; a path that begins at something else has `start` before them."""


def direct_path(trace: Trace) -> tuple[Step, ...]:
    """Return the stations of a trace of all kinds, newest first; a station that it does not have is left out."""
    ways = _Ways(trace)
    start = ways.nodes[trace.start]
    station = station_of(start)
    steps = [Step(station, (start,), parts=len(ways.parts.get(start.uri, ())))]
    for name in STATIONS[STATIONS.index(station) + 1 if station in STATIONS else 0 :]:
        seen = {node.uri for step in steps for node in step.nodes}
        found = [node for node in _found(ways, name, steps) if node.uri not in seen]
        if found:
            parts = sum(len(ways.parts.get(node.uri, ())) for node in found)
            steps.append(Step(name, tuple(found), ways.best_hop(found[0].uri), parts))
    return tuple(steps)


def station_of(node: Node) -> str:
    """Return the station that a thing belongs to."""
    for name, fits in _SINGLE:
        if fits(node):
            return name
    if node.role is Role.ACTIVITY and node.kind not in _ASIDE:
        return RUN
    if node.kind in ("git-commit", "validation"):
        return node.kind
    if node.attributes.get("role") == TRAINING_SET:
        return DATA
    return FEATURES if node.kind in ("feature-service", "feature-view") else START


def _found(ways: _Ways, name: str, steps: Sequence[Step]) -> Sequence[Node]:
    """Look from the last station back to the first for the nearest thing of a sort."""
    for step in reversed(steps):
        reached = ways.reached([node.uri for node in step.nodes])
        if found := _at_station(ways, name, reached, steps):
            return found
    return ()


def _at_station(ways: _Ways, name: str, reached: Sequence[Node], steps: Sequence[Step]) -> Sequence[Node]:
    single = dict(_SINGLE)
    if name in single:
        return [node for node in reached if single[name](node)][:1]
    if name == RUN:
        return _runs(reached)
    if name == DATA:
        return _training_data(ways, reached) if any(step.node.kind in LEARNED for step in steps) else ()
    if name == FEATURES:
        services, views = (
            [node for node in reached if node.kind == kind] for kind in ("feature-service", "feature-view")
        )
        return [*services[:1], *views]
    if name == CHECK:
        return [node for node in reached if node.kind == "validation"]
    if name == RAW:
        return ways.raw(reached)
    commits = [node for node in reached if node.kind == COMMIT]
    return sorted(commits, key=lambda node: not ways.is_proven(node.uri))


def _runs(reached: Sequence[Node]) -> Sequence[Node]:
    """Return the run that made it: MLflow's, else the nearest activity that is no check, read or decision."""
    tracked = [node for node in reached if node.kind == "tracking-run"]
    others = [node for node in reached if node.role is Role.ACTIVITY and node.kind not in _ASIDE]
    return (tracked or others)[:1]


def _training_data(ways: _Ways, reached: Sequence[Node]) -> Sequence[Node]:
    marked = [node for node in reached if node.attributes.get("role") == TRAINING_SET]
    if marked:
        return marked[:1]
    data = [node for node in reached if ways.is_data(node)]
    return [node for node in data if ways.distance[node.uri] == ways.distance[data[0].uri]]


class _Ways:
    """The hops of a trace by their effects, with the files of a folder represented by it."""

    def __init__(self, trace: Trace) -> None:
        self.nodes = {node.uri: node for node in trace.nodes}
        self._folders = folders_of(trace)
        self._edges = [edge for edge in trace.edges if edge.counts]
        self.parts: dict[str, list[str]] = {}
        for part, folder in self._folders.items():
            self.parts.setdefault(folder, []).append(part)
        self.causes: dict[str, list[str]] = {}
        for edge in self._edges:
            if self._folders.get(edge.cause) != edge.effect:
                self.causes.setdefault(self.whole(edge.effect), []).append(self.whole(edge.cause))
        self.distance = self._distances([trace.start])

    def whole(self, uri: str) -> str:
        """Return the folder that represents a file, else the thing itself."""
        return self._folders.get(uri, uri)

    def _distances(self, starts: Iterable[str]) -> dict[str, int]:
        distance = {self.whole(uri): 0 for uri in starts}
        queue = deque(distance)
        while queue:
            here = queue.popleft()
            for there in self.causes.get(here, ()):
                if there not in distance:
                    distance[there] = distance[here] + 1
                    queue.append(there)
        return distance

    def reached(self, starts: Sequence[str]) -> Sequence[Node]:
        """Return what led to some things, the nearest first, without themselves."""
        distance = self._distances(starts)
        nearest = sorted(distance, key=lambda uri: (distance[uri], uri))
        return [self.nodes[uri] for uri in nearest if uri in self.nodes and distance[uri]]

    @cached_property
    def _best(self) -> Mapping[str, Edge]:
        best: dict[str, Edge] = {}
        for edge in sorted(self._edges, key=lambda edge: (not edge.proven, self._far(edge.effect), edge.effect)):
            if self._folders.get(edge.cause) != edge.effect:
                best.setdefault(edge.cause, edge)
                best.setdefault(self.whole(edge.cause), edge)
        return best

    def _far(self, uri: str) -> int:
        return self.distance.get(self.whole(uri), len(self.nodes))

    def best_hop(self, uri: str) -> Edge | None:
        """Return a hop that leads to a thing: a proven one if there is one, of these the nearest."""
        return self._best.get(uri)

    def is_proven(self, uri: str) -> bool:
        """Return whether a proven hop leads to it."""
        hop = self.best_hop(uri)
        return hop is not None and hop.proven

    def is_data(self, node: Node) -> bool:
        """Return whether it is data, and neither code nor something that a tool made of data."""
        if node.role is not Role.ARTIFACT or node.kind in _NO_DATA or node.kind in MADE:
            return False
        files = self.parts.get(node.uri) or [node.uri]
        is_described = node.kind in DESCRIPTIONS and node.kind != "data-source"
        return not is_described and not all(_is_code(self.nodes[uri]) for uri in files)

    def raw(self, reached: Sequence[Node]) -> Sequence[Node]:
        """Return the data that came from no other data; what nobody says the maker of only if there is nothing else."""
        ends = [node for node in reached if self.is_data(node) and not self._came_from_data(node.uri)]
        return [node for node in ends if self.causes.get(node.uri) or node.kind != "dvc-data"] or ends

    def _came_from_data(self, uri: str) -> bool:
        return any(self.is_data(self.nodes[each]) for each in self._distances([uri]) if each != uri)


def _is_code(node: Node) -> bool:
    return node.attributes.get("path", "").lower().endswith(CODE)
