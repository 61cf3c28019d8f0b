"""The questions about columns: which came from which along a trace, and what one of them led to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from handrail.errors import UnknownReference
from handrail.lineage.domain.answers import ENDS, Impact, Page, Trace, check_kinds
from handrail.lineage.domain.column_reach import ColumnReach, reach_of_column
from handrail.lineage.domain.facts import ColumnFact
from handrail.lineage.domain.graph import Direction, Node, Reachable, Walk
from handrail.lineage.domain.limits import MAX_COUNTED, MAX_LISTED, MAX_NODES
from handrail.lineage.service.queries import DEPLOYMENT, FEW, Queries

COLUMN = "#"
NOT_COMPLETED = ("FAIL", "ABORT")


class ColumnQueries(Queries):
    """Answers what `Queries` answers, and about a column, named as `dataset#column`."""

    def columns_of(self, found: Trace) -> tuple[ColumnFact, ...]:
        """Return from which columns those of the artifacts of a trace came, where both ends are in it."""
        uris = {node.uri for node in found.nodes} | {found.start}
        return tuple(fact for fact in self._ports.graph.columns(sorted(uris)) if {fact.effect, fact.cause} <= uris)

    def impact(
        self, ref: str, max_nodes: int = MAX_COUNTED, *, depth: int | None = None, kinds: Sequence[str] = ()
    ) -> Impact:
        """Return what something led to, as `Queries` does, or what a column did: `dataset#column`.

        Of a column only what was derived from it is reached, where column lineage is known; elsewhere whole artifacts
        are followed. A thing of that very name comes first.

        Raises:
            UnknownReference: nothing has that name, or nothing is known of that column.
            AmbiguousReference: it fits several versions.
            InvalidInput: the budget, the depth or a kind cannot be used.
        """
        try:
            return super().impact(ref, max_nodes, depth=depth, kinds=kinds)
        except UnknownReference:
            if not _names_column(ref):
                raise
        walk, reach, column = self._reach(ref, min(max_nodes, MAX_NODES), depth)
        reached = [node for node in walk.nodes if node.uri in reach.uris]
        counts = Counter(node.kind for node in reached)
        check_kinds(kinds, counts)
        named = tuple(kinds) or (*ENDS, *sorted(kind for kind, n in counts.items() if n <= FEW and kind not in ENDS))
        deployments = _of_kind(reached, DEPLOYMENT)
        made = self._ports.predictions.count_predictions(deployments) if deployments else {}
        return Impact(
            ref=ref,
            start=walk.start,
            kinds=counts,
            names={kind: _of_kind(reached, kind) for kind in named},
            predictions={uri: made.get(uri, 0) for uri in deployments},
            money=self._ports.predictions.money(deployments) if deployments else {},
            truncated=walk.truncated,
            kind=next(node.kind for node in reached if node.uri == walk.start),
            failed=[n.uri for n in reached if n.kind == "run" and n.attributes.get("state") in NOT_COMPLETED],
            column=column,
            columns=reach.columns,
        )

    def touched(
        self,
        ref: str,
        *,
        depth: int | None = None,
        kinds: Sequence[str] = (),
        after: str = "",
        limit: int = MAX_LISTED,
    ) -> Page:
        """Return a page of the nodes that something, or a column of it (`dataset#column`), led to.

        Raises:
            UnknownReference: nothing has that name, or nothing is known of that column.
            AmbiguousReference: it fits several versions.
            InvalidInput: the limit, the depth or a kind cannot be used.
        """
        try:
            return super().touched(ref, depth=depth, kinds=kinds, after=after, limit=limit)
        except UnknownReference:
            if not _names_column(ref):
                raise
        walk, reach, _ = self._reach(ref, MAX_NODES, depth)
        reached = [node for node in walk.nodes if node.uri in reach.uris]
        check_kinds(kinds, {node.kind for node in reached})
        fitting = (node for node in reached if (not kinds or node.kind in kinds) and node.uri > after)
        nodes = tuple(sorted(fitting, key=lambda node: node.uri)[:limit])
        return Page(nodes, nodes[-1].uri if len(nodes) == limit else None)

    def _reach(self, ref: str, max_nodes: int, depth: int | None) -> tuple[Walk, ColumnReach, str]:
        """Follow a column.

        Raises:
            UnknownReference: nothing has that name, or nothing is known of that column.
        """
        base, _, column = ref.rpartition(COLUMN)
        walk = self._walk(base, None, Reachable(base, Direction.EFFECTS, max_nodes, depth))
        facts = self._ports.graph.columns(sorted(node.uri for node in walk.nodes))
        here = _columns_at(facts, walk.start)
        if column not in here:
            known = f"Column lineage names: {', '.join(sorted(here))}. " if here else "No column lineage is about it. "
            raise UnknownReference("column", ref, f"{known}Ask for {base} as a whole.")
        return walk, reach_of_column(walk, facts, column), column


def _names_column(ref: str) -> bool:
    base, mark, column = ref.rpartition(COLUMN)
    return bool(base and mark and column)


def _columns_at(facts: Sequence[ColumnFact], uri: str) -> Mapping[str, None]:
    """Return the columns of an artifact that column lineage names, on either side."""
    ends = ((end, name) for fact in facts for end, name in ((fact.effect, fact.column), (fact.cause, fact.source)))
    return {name: None for end, name in ends if end == uri and name}


def _of_kind(nodes: Sequence[Node], kind: str) -> tuple[str, ...]:
    return tuple(sorted(node.uri for node in nodes if node.kind == kind))
