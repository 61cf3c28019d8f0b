"""What one column of an artifact led to: by column lineage where a producer sent it, by whole artifacts elsewhere."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from handrail.lineage.domain.facts import ColumnFact
from handrail.lineage.domain.graph import Walk
from handrail.lineage.domain.vocabulary import Role, Verb

WHOLE = ""
State = tuple[str, str]
"""A thing, and the column of it that was reached; all of it if that is empty."""


@dataclass(frozen=True, slots=True)
class ColumnReach:
    """The URIs of everything that was reached, and of those of which only some columns were, these columns."""

    uris: frozenset[str]
    columns: Mapping[str, tuple[str, ...]]


def reach_of_column(walk: Walk, facts: Iterable[ColumnFact], column: str) -> ColumnReach:
    """Return what a column of the start of a walk to its effects led to, the start itself included.

    An artifact whose own column lineage is known is reached only through a column that it names; what was filtered,
    joined or sorted by a column is reached as a whole. Of any other artifact nothing says which columns it took: it is
    reached as a whole. A run is reached with what it made, and if it made nothing, as it may have read the column.
    """
    graph = _Graph.of(walk, facts)
    seen: set[State] = set()
    runs: set[str] = set()
    ahead: list[State] = [(walk.start, column)]
    while ahead:
        state = ahead.pop()
        if state in seen or (state[0], WHOLE) in seen:
            continue
        seen.add(state)
        for run, found in graph.follow(*state):
            runs |= {run} if run else set()
            ahead += found
    wholes = {uri for uri, of in seen if of == WHOLE}
    parts: dict[str, set[str]] = defaultdict(set)
    for uri, of in seen:
        if uri not in wholes:
            parts[uri].add(of)
    return ColumnReach(
        frozenset(runs | {uri for uri, _ in seen}), {uri: tuple(sorted(of)) for uri, of in sorted(parts.items())}
    )


@dataclass(slots=True)
class _Graph:
    """A walk by cause, with the column lineage of its artifacts."""

    activities: frozenset[str]
    effects: dict[str, list[tuple[str, Verb]]] = field(default_factory=lambda: defaultdict(list))
    others: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    facts: dict[tuple[str, str], list[ColumnFact]] = field(default_factory=lambda: defaultdict(list))
    known: set[str] = field(default_factory=set)

    @classmethod
    def of(cls, walk: Walk, facts: Iterable[ColumnFact]) -> _Graph:
        graph = cls(frozenset(node.uri for node in walk.nodes if node.role is Role.ACTIVITY))
        for edge in walk.edges:
            if edge.verb is Verb.ALTERNATE_OF:
                graph.others[edge.cause].append(edge.effect)
                graph.others[edge.effect].append(edge.cause)
            else:
                graph.effects[edge.cause].append((edge.effect, edge.verb))
        for fact in facts:
            graph.facts[fact.cause, fact.effect].append(fact)
            graph.known.add(fact.effect)
        return graph

    def follow(self, uri: str, column: str) -> Iterator[tuple[str, list[State]]]:
        """Yield what a column of a thing led to directly, each time with the run that did it, if one did."""
        yield "", [(other, column) for other in self.others[uri]]
        for effect, _ in self.effects[uri]:
            if uri in self.activities:
                yield "", [(effect, WHOLE)]
            elif effect not in self.activities:
                yield "", self._taken(uri, column, effect)
            else:
                yield from self._by_run(uri, column, effect)

    def _by_run(self, uri: str, column: str, run: str) -> Iterator[tuple[str, list[State]]]:
        made = [effect for effect, verb in self.effects[run] if verb is Verb.GENERATED]
        found = [state for effect in made for state in self._taken(uri, column, effect)]
        if found or not made:
            # Activities that followed from this one may have done anything with what it read.
            further = [(effect, WHOLE) for effect, verb in self.effects[run] if verb is not Verb.GENERATED]
            yield run, found + further

    def _taken(self, uri: str, column: str, effect: str) -> list[State]:
        if effect not in self.known:
            return [(effect, WHOLE)]
        taken = self.facts[uri, effect]
        return [(effect, fact.column) for fact in taken if column == WHOLE or fact.source in (WHOLE, column)]
