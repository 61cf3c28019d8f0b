"""The sections of a trace: from the prediction back to the commit, one section for each tool, with its hops."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from handrail.lineage.domain.answers import Trace
from handrail.lineage.domain.graph import Edge, Node
from handrail.lineage.domain.pipeline import TRAINING_SET
from handrail.lineage.domain.vocabulary import Role, Verb


@dataclass(frozen=True, slots=True)
class Hop:
    """A node of a section; `via` is the edge that leads to it from nearer the prediction, None at the start."""

    node: Node
    via: Edge | None


@dataclass(frozen=True, slots=True)
class Section:
    """The nodes of one sort, nearest first. `folded` counts files that are represented by their folder."""

    title: str
    hops: tuple[Hop, ...]
    folded: int = 0


def _kind(*kinds: str) -> Callable[[Node], bool]:
    return lambda node: node.kind in kinds


_FEATURE_READS = ("feature-retrieval", "online-read", "materialization", "feature-push")
APPROVAL = "permit and approvers"
NOT_BY_THE_GATE = "asserted about the approval, but not by the gate"
SECTIONS: tuple[tuple[str, Callable[[Node], bool]], ...] = (
    ("deployment", _kind("deployment")),
    ("bento", _kind("bento", "bento-model", "bento-build")),
    (APPROVAL, _kind("permit", "policy", "promotion-decision")),
    (NOT_BY_THE_GATE, _kind()),
    ("model version", _kind("model-version", "logged-model")),
    ("artifact tree", _kind("artifact-tree")),
    ("MLflow run", _kind("tracking-run", "stage-inputs")),
    ("Prefect run", _kind("task-run", "flow-run", "flow-deployment")),
    ("training set", lambda node: node.kind == "dvc-data" and node.attributes.get("role") == TRAINING_SET),
    ("feature views", _kind("feature-service", "feature-view", "feature-apply")),
    ("retrieved features", _kind(*_FEATURE_READS, "feature-rows", "online-features", "data-source")),
    ("validation", _kind("validation", "checkpoint-run")),
    ("feedback snapshot", _kind("feedback-snapshot", "evaluation")),
    ("stages and runs", lambda node: node.role is Role.ACTIVITY),
    ("DVC data", _kind("dvc-data")),
    ("source files", _kind("source-file")),
    ("git commit", _kind("git-commit")),
    ("who ran it", lambda node: node.role is Role.AGENT),
    ("others", lambda node: node.role is Role.ARTIFACT),
)


def sections_of(trace: Trace) -> tuple[Section, ...]:
    """Return the sections of a trace in order, without empty ones; every node has its section."""
    titles = {node.uri: next(title for title, fits in SECTIONS if fits(node)) for node in trace.nodes}
    titles |= _titles_of_approvers(trace)
    near = {node.uri: position for position, node in enumerate(trace.nodes)}
    via = _best_hops(trace, near)
    parts = folders_of(trace)
    sections = []
    for title, _ in SECTIONS:
        nodes = [node for node in trace.nodes if titles[node.uri] == title]
        shown = [node for node in nodes if node.uri not in parts] or nodes
        if nodes:
            hops = tuple(Hop(node, via.get(node.uri)) for node in shown)
            sections.append(Section(title, hops, len(nodes) - len(shown)))
    return tuple(sections)


def _titles_of_approvers(trace: Trace) -> dict[str, str]:
    """Return the section of whoever answers for a decision; agents that only ran something are in another one."""
    decisions = {node.uri for node in trace.nodes if node.kind == "promotion-decision"}
    named = [edge for edge in trace.edges if edge.effect in decisions and edge.verb is Verb.ASSOCIATED_WITH]
    approvers = {edge.cause for edge in named if edge.counts}
    return {edge.cause: APPROVAL if edge.cause in approvers else NOT_BY_THE_GATE for edge in named}


def _best_hops(trace: Trace, near: Mapping[str, int]) -> dict[str, Edge]:
    """Choose for each node the edge that is shown: a proven one before an asserted one, then from the nearest.

    One that counts goes before one that does not. Where a filter hides the effect, it is as near as can be: all that is
    known is that the walk came from there.
    """
    best: dict[str, Edge] = {}
    nearness = {edge.effect: near.get(edge.effect, -1) for edge in trace.edges}
    for edge in sorted(
        trace.edges, key=lambda edge: (not edge.counts, not edge.proven, nearness[edge.effect], edge.verb, edge.effect)
    ):
        # Another name of the start leads back to it.
        if edge.cause != trace.start or edge.verb is not Verb.ALTERNATE_OF:
            best.setdefault(edge.cause, edge)
    return best


def folders_of(trace: Trace) -> dict[str, str]:
    """Return the folder of each file that is in one; both are data under DVC."""
    paths = {node.uri: node.attributes.get("path", "") for node in trace.nodes if node.kind == "dvc-data"}
    return {
        edge.cause: edge.effect
        for edge in trace.edges
        if edge.effect in paths and edge.cause in paths and paths[edge.cause].startswith(f"{paths[edge.effect]}/")
    }
