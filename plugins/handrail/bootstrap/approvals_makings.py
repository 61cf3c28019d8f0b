"""How the gate learns from lineage by which stages a tree was made."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from handrail.approvals.difference_ports import Makings
from handrail.approvals.domain.sides import Making, NamedFeatures, PipelineData
from handrail.errors import UnknownReference

if TYPE_CHECKING:
    from handrail.lineage import Edge, Node, Trace
    from handrail.lineage.service.lineage import Lineage

MOST_NODES = 20_000
STAGE, DATA, COMMIT, SERVICE, CODE = "dvc-stage", "dvc-data", "git-commit", "feature-service", "source-file"
TRAINING_SET = "training-set"
RECORDER = "dvc"
PARAMETERS = "params.yaml"
"""Its parameters are called by their name alone, those of other files by the file too."""


class ReadMakings(Makings):
    """Keeps the promise of the gate's `Makings` with the lineage plugin."""

    def __init__(self, lineage: Callable[[], Lineage]) -> None:
        """Look into the graph that is opened at the first look."""
        self._lineage = lineage

    def made(self, tree_digest: str) -> Making | None:
        """Walk from the tree's own digest over pipeline data and stages, and over nothing else."""
        from handrail.lineage import tree_uri

        try:
            trace = self._lineage().trace(tree_uri(tree_digest), MOST_NODES)
        except UnknownReference:
            return None
        found = _Pipeline(trace)
        return found.making() if found.stages else None


class _Pipeline:
    """The stage runs that wrote a tree, and what they read, nearest first."""

    def __init__(self, trace: Trace) -> None:
        self._nodes: Mapping[str, Node] = {node.uri: node for node in trace.nodes}
        self._causes: dict[str, list[Edge]] = {}
        for edge in trace.edges:
            self._causes.setdefault(edge.effect, []).append(edge)
        self._start, self._truncated = trace.start, trace.truncated
        self.stages = [node for node in self._reached(trace.start) if node.kind == STAGE]

    def making(self) -> Making:
        runs = self._by_stage()
        alone = [same[0] for same in runs.values() if len(same) == 1]
        doubts = [
            f"Lineage knows {len(same)} runs of the stage {name} that wrote the same; their parameters are left out."
            for name, same in runs.items()
            if len(same) > 1
        ]
        if self._truncated:
            doubts.append(f"Of its lineage the nearest {MOST_NODES:,} things were read.")
        made = {edge.effect for edges in self._causes.values() for edge in edges if self._kind(edge.cause) == STAGE}
        nearest = self._used(self.stages[0].uri, COMMIT)
        data, digests = dict[str, PipelineData](), set[str]()
        for each in self._data(made):
            parts = self._members(each)
            data[_path(each)] = PipelineData(each.digest or "", len(parts) or None)
            digests |= {digest for one in (each, *parts) for digest in (one.digest, _md5(one)) if digest}
        return Making(
            measured=not self._truncated and self._is_measured(),
            commit=nearest[0].uri.rpartition("/")[2] if nearest else None,
            parameters=_parameters(alone),
            code=dict(self._code(made)),
            data=data,
            digests=frozenset(digests),
            service=self._service(),
            doubts=tuple(doubts),
        )

    def _by_stage(self) -> dict[str, list[Node]]:
        found: dict[str, list[Node]] = {}
        for node in self.stages:
            found.setdefault(node.attributes.get("stage", node.uri), []).append(node)
        return found

    def _reached(self, start: str) -> Iterator[Node]:
        """Yield what led to something through data under DVC and stages alone, nearest first."""
        seen, level = {start}, [start]
        while level:
            ahead: list[str] = []
            for uri in level:
                if uri in self._nodes:
                    yield self._nodes[uri]
                ahead += [node.uri for node in self._used(uri, STAGE, DATA) if node.uri not in seen]
                seen.update(ahead)
            level = ahead

    def _is_measured(self) -> bool:
        """Whether the tree is proven to be what the stages wrote, and each of them to be the code of its commit."""
        held = [edge for edge in self._causes.get(self._start, ()) if self._kind(edge.cause) == DATA]
        commits = [
            [edge for edge in self._causes.get(stage.uri, ()) if self._kind(edge.cause) == COMMIT]
            for stage in self.stages
        ]
        return _proven(held) and all(_proven(edges) for edges in commits)

    def _code(self, made: Iterable[str]) -> Iterator[tuple[str, str]]:
        """Yield each file that a stage read, that no stage made and DVC does not track: those are in git."""
        for stage in self.stages:
            for node in self._used(stage.uri, CODE, DATA):
                if node.kind == DATA and (node.uri in made or "named_by" in node.attributes):
                    continue
                members = self._members(node)
                yield from ((_path(each), each.digest or "") for each in members or [node])

    def _data(self, made: set[str]) -> Iterator[Node]:
        """Yield what the stages read up to the training set and with it; all of it if none is marked as that."""
        training = [node for node in self._reached(self._start) if node.attributes.get("role") == TRAINING_SET]
        starts = training or [self._nodes[stage.uri] for stage in self.stages]
        for start in starts:
            for node in self._reached(start.uri):
                read = [node] if node in training else self._used(node.uri, DATA) if node.kind == STAGE else []
                yield from (each for each in read if each.uri in made or "named_by" in each.attributes)

    def _members(self, node: Node) -> list[Node]:
        """Return the files of a folder, as far as they are known."""
        inside = f"{_path(node)}/"
        parts = [self._nodes[edge.cause] for edge in self._causes.get(node.uri, ()) if edge.cause in self._nodes]
        return [part for part in parts if part.kind in (DATA, CODE) and _path(part).startswith(inside)]

    def _service(self) -> NamedFeatures | None:
        found = [node for stage in self.stages for node in self._used(stage.uri, SERVICE)]
        if not found:
            return None
        name = found[0].uri.rpartition("/")[2].partition("@")[0]
        return NamedFeatures(name, found[0].digest)

    def _used(self, uri: str, *kinds: str) -> list[Node]:
        causes = sorted({edge.cause for edge in self._causes.get(uri, ()) if self._kind(edge.cause) in kinds})
        return [self._nodes[cause] for cause in causes]

    def _kind(self, uri: str) -> str:
        return self._nodes[uri].kind if uri in self._nodes else ""


def _proven(edges: list[Edge]) -> bool:
    return any(edge.proven and RECORDER in edge.asserted_by for edge in edges)


def _path(node: Node) -> str:
    return node.attributes.get("path", node.uri)


def _md5(node: Node) -> str | None:
    return f"md5:{node.attributes['md5']}" if "md5" in node.attributes else None


def _parameters(stages: Iterable[Node]) -> dict[str, str]:
    """Return the parameters of the stages by name: those of a stage nearer to the tree win."""
    found: dict[str, str] = {}
    for stage in stages:
        with suppress(ValueError, RecursionError):
            files = json.loads(stage.attributes.get("parameters", "{}"))
            for file, values in files.items() if isinstance(files, dict) else ():
                for name, text in _leaves(values, ""):
                    found.setdefault(name if file == PARAMETERS else f"{file}:{name}", text)
    return found


def _leaves(value: Any, place: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict) and value:
        for key, inner in value.items():
            yield from _leaves(inner, f"{place}.{key}" if place else str(key))
    elif value is not None:
        yield place, value if isinstance(value, str) else json.dumps(value)
