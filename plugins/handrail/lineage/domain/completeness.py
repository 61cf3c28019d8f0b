"""What a trace ends at, and what is missing in it: each end has to be a commit, or data with a digest."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from handrail.lineage.domain.answers import Trace
from handrail.lineage.domain.graph import Edge, Node
from handrail.lineage.domain.vocabulary import Role, Verb

COMMIT = "git-commit"
MADE = frozenset(
    ("artifact-tree", "model-version", "logged-model", "bento-model", "bento", "stage-inputs", "task-result", "permit")
)
"""Kinds that something made: their digest alone does not say from what."""
DESCRIPTIONS = frozenset(("feature-view", "feature-service", "data-source", "policy"))
"""Kinds that describe data, and are none."""
STRONG = ("sha256:", "md5:")
DIRTY = "git_dirty"


@dataclass(frozen=True, slots=True)
class Completeness:
    """The commits and the data that a trace ends at, by URI, each with its digest, and a sentence for each gap."""

    commits: Mapping[str, str]
    data: Mapping[str, str]
    gaps: tuple[str, ...]


def completeness_of(trace: Trace, tree: str) -> Completeness:
    """Return what a trace of all kinds ends at; it has to hold the files `tree`, a `tree://` URI.

    A run that says that its checkout had uncommitted changes is a gap too: its commit is not what ran. Who or which
    plan was responsible is no end, and neither is what only wrote descriptions of data whose digests are known.
    """
    ends = list(_ends(trace))
    commits = {node.uri: node.digest or "" for node in ends if node.kind == COMMIT}
    data = {node.uri: node.digest or "" for node in ends if _is_data(node)}
    contested = {conflict.uri for conflict in trace.conflicts}
    gaps = [
        *_of_the_whole(trace, tree, commits, data),
        *(sentence for node in ends for sentence in _of_end(node, contested)),
        *_of_dirty(trace.nodes),
    ]
    return Completeness(commits, data, tuple(gaps))


def _ends(trace: Trace) -> Iterator[Node]:
    caused = {edge.effect for edge in trace.edges}
    nodes = {node.uri: node for node in trace.nodes}
    effects: dict[str, list[Edge]] = {}
    for edge in trace.edges:
        effects.setdefault(edge.cause, []).append(edge)
    for node in trace.nodes:
        led_to = effects.get(node.uri, [])
        is_plan = bool(led_to) and all(edge.verb is Verb.ASSOCIATED_WITH for edge in led_to)
        described = [nodes[edge.effect] for edge in led_to if edge.effect in nodes]
        only_describes = bool(described) and all(_is_known(one) and one.kind in DESCRIPTIONS for one in described)
        is_aside = node.role is Role.ACTIVITY and only_describes
        if node.uri not in caused and node.role is not Role.AGENT and not is_plan and not is_aside:
            yield node


def _is_data(node: Node) -> bool:
    return _is_known(node) and node.kind not in DESCRIPTIONS


def _is_known(node: Node) -> bool:
    """Whether an end is an artifact whose bytes are known, and that nothing of ours made."""
    has_digest = node.digest is not None and node.digest.startswith(STRONG)
    return node.role is Role.ARTIFACT and node.kind not in (COMMIT, *MADE) and has_digest


def _of_the_whole(trace: Trace, tree: str, commits: Mapping[str, str], data: Mapping[str, str]) -> Iterator[str]:
    if trace.truncated:
        yield f"The trace is longer than the {len(trace.nodes):,} things that were read of it."
    if tree not in {node.uri for node in trace.nodes}:
        yield f"Lineage does not say that {trace.start} holds {tree}."
    if not commits:
        yield f"No commit led to {trace.start}."
    if not data:
        yield f"No data with a sha256 or md5 led to {trace.start}."


def _of_end(node: Node, contested: Iterable[str]) -> Iterator[str]:
    if node.role is Role.ACTIVITY:
        yield f"What {node.uri} read is not recorded."
    elif node.kind in MADE:
        yield f"What made {node.uri} is not recorded."
    elif node.kind != COMMIT and not _is_known(node):
        yield f"{node.uri} has no sha256 or md5."
    elif node.uri in contested:
        yield f"{node.uri} was reported with two different digests."


def _of_dirty(nodes: Iterable[Node]) -> Iterator[str]:
    for node in nodes:
        if any(name.endswith(DIRTY) and "true" in value for name, value in node.attributes.items()):
            yield f"{node.uri} ran in a checkout with uncommitted changes."
