"""The questions to lineage: back from a prediction, forward from a file, and where a name pointed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime

from handrail.errors import InvalidInput, UnknownReference
from handrail.lineage.domain.answers import ENDS, Impact, NodeDetails, Page, Trace, check_kinds
from handrail.lineage.domain.errors import AmbiguousReference
from handrail.lineage.domain.facts import Facts
from handrail.lineage.domain.graph import (
    DigestConflict,
    Direction,
    Edge,
    Reachable,
    Tally,
    Walk,
    order_by_distance,
)
from handrail.lineage.domain.limits import MAX_COUNTED, MAX_LISTED, MAX_NODES
from handrail.lineage.domain.timeline import periods
from handrail.lineage.domain.vocabulary import Verb
from handrail.lineage.service.moving_names import NEARBY, Names
from handrail.lineage.service.references import check_reference

DEPLOYMENT = "deployment"
UNDECLARED = (
    "It made this prediction, and nobody recorded what it serves: "
    "handrail lineage deployment {deployment} --serves models:/NAME/VERSION."
)
FEW = 10
MOST_NAMES = 100
SMALL = 20_000


class Queries(Names):
    """Answers questions about the graph and about pointers."""

    def trace(
        self,
        ref: str,
        max_nodes: int = MAX_NODES,
        *,
        depth: int | None = None,
        kinds: Sequence[str] = (),
        direction: Direction = Direction.CAUSES,
    ) -> Trace:
        """Return everything that led to a prediction, or to anything else that has a name; or that it led to.

        `ref` is a prediction id, a URI or its unique beginning, a path under DVC, a commit or its beginning,
        `models:/name/1`, `models:/name@alias`, a person, a moving name, or a subject about which one prediction was
        made. Of more than `max_nodes` the nearest come back. `kinds` are shown, all if there are none; the walk goes
        through the others too.

        Raises:
            UnknownReference: nothing has that id or name.
            AmbiguousReference: it fits several versions, or several predictions were made about it.
            InvalidInput: the budget, the depth or a kind cannot be used.
        """
        try:
            return self._trace(ref, max_nodes, depth, kinds, direction)
        except UnknownReference:
            made = self._ports.predictions.about(ref, AmbiguousReference.MOST + 1)
            if not made:
                raise
        if len(made) > 1:
            raise AmbiguousReference(ref, made)
        return self._trace(made[0], max_nodes, depth, kinds, direction)

    def _trace(self, ref: str, max_nodes: int, depth: int | None, kinds: Sequence[str], direction: Direction) -> Trace:
        deployment = self._deployment_of(ref)
        walk = self._walk(ref, deployment, Reachable(deployment or ref, direction, max_nodes, depth))
        nodes = order_by_distance(walk, direction)
        check_kinds(kinds, {node.kind for node in nodes})
        shown = tuple(node for node in nodes if node.kind in kinds) if kinds else nodes
        uris = {node.uri for node in shown}
        ends = {Direction.CAUSES: lambda edge: edge.cause, Direction.EFFECTS: lambda edge: edge.effect}
        return Trace(
            ref=ref,
            start=walk.start,
            nodes=shown,
            edges=tuple(edge for edge in walk.edges if ends[direction](edge) in uris) if kinds else walk.edges,
            prediction_id=ref if deployment else None,
            truncated=walk.truncated,
            conflicts=self._ports.graph.conflicts(sorted(uris)),
            hidden=len(nodes) - len(shown),
        )

    def impact(
        self, ref: str, max_nodes: int = MAX_COUNTED, *, depth: int | None = None, kinds: Sequence[str] = ()
    ) -> Impact:
        """Return what something led to, by counts: models, deployments, predictions, reports, money.

        `ref` as in `trace`. The nodes of `kinds` are named; if there are none those of `ENDS`, and of each other kind
        that has up to `FEW`, unless more than `SMALL` nodes were reached. Ask `touched` for more.

        Raises:
            UnknownReference: nothing has that name.
            AmbiguousReference: it fits several versions.
            InvalidInput: the budget, the depth or a kind cannot be used.
        """
        named = tuple(kinds) or ENDS
        tally = self._tally(ref, max_nodes, depth, (*named, DEPLOYMENT))
        check_kinds(kinds, tally.kinds)
        names = {kind: tuple(tally.names[kind]) for kind in named}
        what = Reachable(tally.start, Direction.EFFECTS, max_nodes, depth)
        deployments = list(tally.names[DEPLOYMENT])
        counts = self._ports.predictions.count_predictions(deployments) if deployments else {}
        return Impact(
            ref=ref,
            start=tally.start,
            kinds=tally.kinds,
            names=names if kinds else names | self._few(what, tally),
            predictions={uri: counts.get(uri, 0) for uri in deployments},
            money=self._ports.predictions.money(deployments) if deployments else {},
            truncated=tally.truncated,
            kind=self._kind_of(tally.start),
            failed=tally.failed,
        )

    def _few(self, what: Reachable, tally: Tally) -> dict[str, tuple[str, ...]]:
        """Return the names of what was reached of rare kinds, where a second query costs little."""
        few = [kind for kind, number in sorted(tally.kinds.items()) if number <= FEW and kind not in ENDS]
        if not few or sum(tally.kinds.values()) > SMALL:
            return {}
        found = self._ports.graph.tally(what, few)
        return {kind: tuple(found.names[kind]) for kind in few} if found else {}

    def _kind_of(self, uri: str) -> str:
        walk = self._ports.graph.walk(uri, Direction.EFFECTS, 1)
        return walk.nodes[0].kind if walk else ""

    def touched(
        self,
        ref: str,
        *,
        depth: int | None = None,
        kinds: Sequence[str] = (),
        after: str = "",
        limit: int = MAX_LISTED,
    ) -> Page:
        """Return a page of the nodes that something led to, in the order of their URIs; the next begins `after` it.

        Raises:
            UnknownReference: nothing has that name.
            AmbiguousReference: it fits several versions.
            InvalidInput: the limit, the depth or a kind cannot be used.
        """
        if not 1 <= limit <= MAX_LISTED:
            raise InvalidInput("limit", f"{limit} is not a page length", f"Give 1 to {MAX_LISTED}.")
        if after:
            check_reference(after, "after")
        tally = self._tally(ref, MAX_COUNTED if kinds else 1, depth, kinds)
        what = Reachable(tally.start, Direction.EFFECTS, MAX_COUNTED, depth)
        check_kinds(kinds, tally.kinds)
        nodes = self._ports.graph.page(what, kinds, after, limit)
        return Page(nodes, nodes[-1].uri if len(nodes) == limit else None)

    def show(self, ref: str) -> NodeDetails:
        """Return all about one node: what it is, its direct causes and effects, names that point at it, findings.

        `ref` as in `trace`; a prediction's is its deployment.

        Raises:
            UnknownReference: nothing has that name.
            AmbiguousReference: it fits several versions.
        """
        deployment = self._deployment_of(ref)
        here = self._walk(ref, deployment, Reachable(deployment or ref, Direction.CAUSES, NEARBY, 1))
        uri = here.start
        walks = self._walks_of_names(here)
        causes = {edge for walk, _ in walks for edge in walk.edges if edge.effect == walk.start}
        effects = {edge for _, walk in walks for edge in walk.edges if edge.cause == walk.start}
        names = self._ports.pointers.names(uri)
        pointed = (period for name in names for period in periods(self._ports.pointers.history(name)))
        return NodeDetails(
            node=next(node for node in here.nodes if node.uri == uri),
            causes=_in_order(causes),
            effects=_in_order(effects),
            pointers=tuple(period for period in pointed if period.target == uri),
            conflicts=self._ports.graph.conflicts([uri]),
            truncated=any(walk.truncated for pair in walks for walk in pair),
            ref=ref,
            alternates=tuple(sorted(walk.start for walk, _ in walks if walk.start != uri)),
            columns=self._ports.graph.columns([walk.start for walk, _ in walks]),
        )

    def _walks_of_names(self, first: Walk) -> list[tuple[Walk, Walk]]:
        """Return the direct causes and effects of a thing under each of its names, from those under one of them."""
        found = {first.start: first}
        ahead = [first]
        while ahead and len(found) < MOST_NAMES:
            here = ahead.pop()
            others = {edge.cause for edge in here.edges if edge.effect == here.start and edge.verb is Verb.ALTERNATE_OF}
            walks = (self._walked(Reachable(uri, Direction.CAUSES, NEARBY, 1)) for uri in sorted(others - found.keys()))
            ahead += [walk for walk in walks if walk]
            found |= {walk.start: walk for walk in ahead}
        effects = (self._walked(Reachable(uri, Direction.EFFECTS, NEARBY, 1)) for uri in found)
        return [(walk, other) for walk, other in zip(found.values(), effects, strict=True) if other]

    def recorded(self, uris: Sequence[str]) -> Facts:
        """Return what is recorded of these nodes and of the hops between them; of an unknown one nothing."""
        return self._ports.graph.facts(uris)

    def events_of(self, found: Trace, at: datetime) -> tuple[str, ...]:
        """Return what was found as OpenLineage events in JSON: everything recorded about it.

        Things without a known time have the time `at`.
        """
        facts = self._ports.graph.facts([node.uri for node in found.nodes])
        return tuple(event.body for event in self._ports.write_events(facts, at))

    def findings(self) -> tuple[DigestConflict, ...]:
        """Return every URI that was claimed with several digests, and who claimed what."""
        return self._ports.graph.conflicts()

    def _walk(self, ref: str, deployment: str | None, what: Reachable) -> Walk:
        """Walk from what is named exactly, else from what `ref` means; a prediction's deployment is named exactly."""
        walk = self._walked(what) if "://" in what.start else None
        if walk is None and deployment is None:
            walk = self._walked(replace(what, start=self._references.resolve(ref)))
        if walk is None and deployment is not None:
            raise UnknownReference("deployment", deployment, UNDECLARED.format(deployment=deployment), "ref")
        if walk is None:
            raise self._references.unknown(what.start)
        return walk

    def _walked(self, what: Reachable) -> Walk | None:
        return self._ports.graph.walk(what.start, what.direction, what.max_nodes, what.depth)

    def _tally(self, ref: str, max_nodes: int, depth: int | None, kinds: Sequence[str]) -> Tally:
        for kind in kinds:
            check_reference(kind, "kind")
        what = Reachable(self._deployment_of(ref) or ref, Direction.EFFECTS, max_nodes, depth)
        tally = self._ports.graph.tally(what, kinds) if "://" in what.start else None
        if tally is None:
            tally = self._ports.graph.tally(replace(what, start=self._references.resolve(ref)), kinds)
        if tally is None:
            raise self._references.unknown(ref)
        return tally


def _in_order(edges: Iterable[Edge]) -> tuple[Edge, ...]:
    """Return edges between different things, in one order."""
    different = (edge for edge in edges if edge.verb is not Verb.ALTERNATE_OF)
    return tuple(sorted(different, key=lambda edge: (edge.effect, edge.cause, edge.verb)))
