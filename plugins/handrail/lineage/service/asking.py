"""The asking half of lineage: back from a prediction, forward from a file, and where a name pointed."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from handrail.errors import InvalidInput, UnknownReference
from handrail.lineage.domain import (
    AmbiguousReference,
    DigestConflict,
    Direction,
    Impact,
    Pointer,
    Reign,
    Trace,
    Verb,
    Walk,
    data_prefix,
    match_name,
    order_by_distance,
    reigns,
)
from handrail.lineage.service.foundation import LineagePorts

MAX_NODES = 50_000
DEPLOYMENT = "deployment"
SHOWN = 5
NEARBY = 1_000


class Asking:
    """Answers questions about the graph and the pointers beside it."""

    def __init__(self, ports: LineagePorts) -> None:
        """Work on `ports`."""
        self._ports = ports

    def pointer_at(self, name: str, at: datetime) -> Pointer | None:
        """Return what a moving name pointed at; None if it was never set by then."""
        return self._ports.pointers.at(name, at)

    def pointer_names(self) -> tuple[str, ...]:
        """Return every moving name that was ever set."""
        return self._ports.pointers.names()

    def pointer_history(self, name: str) -> tuple[Pointer, ...]:
        """Return every move of a name, oldest first."""
        return self._ports.pointers.history(name)

    def timeline(self, name: str, at: datetime | None = None) -> tuple[Reign, ...]:
        """Return where a moving name pointed, from when until when, and who allowed it; oldest first.

        `name` may be its end or a part, such as `champion`; with `at` only what held at that moment comes back.

        Raises:
            UnknownReference: no name fits, or it was not set by then.
            AmbiguousReference: several names fit.
        """
        names = match_name(name, self._ports.pointers.names())
        if len(names) > 1:
            raise AmbiguousReference(name, names)
        if not names:
            raise UnknownReference("pointer", name, "Name an alias or a slot that was set, such as champion.")
        found = reigns(self._ports.pointers.history(names[0]))
        if at is not None:
            found = tuple(reign for reign in found if reign.covers(at))
            if not found:
                raise UnknownReference("pointer", names[0], f"It was not set by {at.isoformat()}.")
        return tuple(replace(reign, agents=self._agents_of(reign.by)) for reign in found)

    def _agents_of(self, uri: str) -> tuple[str, ...]:
        """Return who answers for a permit, or the agent itself."""
        if uri.startswith("actor://"):
            return (uri,)
        walk = self._ports.graph.walk(uri, Direction.CAUSES, NEARBY)
        if walk is None:
            return ()
        makers = {edge.cause for edge in walk.edges if edge.effect == uri and edge.verb is Verb.GENERATED}
        return tuple(edge.cause for edge in walk.edges if edge.effect in makers and edge.verb is Verb.ASSOCIATED_WITH)

    def trace(self, ref: str, max_nodes: int = MAX_NODES) -> Trace:
        """Return everything that led to a prediction (by id) or to anything else (by URI, prefix or project path).

        Raises:
            UnknownReference: nothing has that id or name.
            AmbiguousReference: a prefix or path fits several versions.
        """
        deployment = None if "://" in ref else self._ports.predictions.deployment_of(ref)
        walk = self._walk(deployment or ref, Direction.CAUSES, max_nodes)
        uris = [node.uri for node in walk.nodes]
        return Trace(
            ref=ref,
            start=walk.start,
            nodes=order_by_distance(walk, Direction.CAUSES),
            edges=walk.edges,
            prediction_id=ref if deployment else None,
            truncated=walk.truncated,
            conflicts=self._ports.conflicts.conflicts(uris),
        )

    def impact(self, ref: str, max_nodes: int = MAX_NODES) -> Impact:
        """Return everything that a version led to, forward to the number of predictions.

        `ref` is a URI, a unique prefix of one, or a path of the project such as `data/raw/flights/2013-03.csv`.

        Raises:
            UnknownReference: nothing has that name.
            AmbiguousReference: a prefix or path fits several versions.
        """
        walk = self._walk(ref, Direction.EFFECTS, max_nodes)
        deployments = sorted(node.uri for node in walk.nodes if node.kind == DEPLOYMENT)
        counts = self._ports.predictions.count_predictions(deployments) if deployments else {}
        return Impact(
            ref=ref,
            start=walk.start,
            nodes=order_by_distance(walk, Direction.EFFECTS),
            edges=walk.edges,
            predictions={uri: counts.get(uri, 0) for uri in deployments},
            truncated=walk.truncated,
        )

    def findings(self) -> tuple[DigestConflict, ...]:
        """Return every URI that was claimed with several digests, and who claimed what."""
        return self._ports.conflicts.conflicts()

    def _walk(self, ref: str, direction: Direction, max_nodes: int) -> Walk:
        if max_nodes < 1:
            raise InvalidInput("max_nodes", f"{max_nodes} is no budget", "Give at least 1.")
        graph = self._ports.graph
        walk = graph.walk(ref, direction, max_nodes) or graph.walk(self._resolve(ref), direction, max_nodes)
        if walk is None:
            raise _unknown(ref)
        return walk

    def _resolve(self, ref: str) -> str:
        prefix = ref if "://" in ref else data_prefix(self._ports.repository, ref.removeprefix("./"))
        found = self._ports.graph.find(f"{prefix}@", SHOWN + 1) or self._ports.graph.find(prefix, SHOWN + 1)
        if not found:
            raise _unknown(ref)
        if len(found) > 1:
            raise AmbiguousReference(ref, found)
        return found[0]


def _unknown(ref: str) -> UnknownReference:
    return UnknownReference(
        "prediction, version or project path",
        ref,
        "Give a prediction id, a URI that lineage holds, or a path under DVC such as data/raw.",
    )
