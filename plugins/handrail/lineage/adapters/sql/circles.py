"""Finds and refuses edges that would make something its own cause: one look for a whole transaction.

What is stored has no circle. So each new one goes over a new edge, and over stored edges only from the effect of a new
edge down to the cause of a new one. Usually there is nothing below the effects and little above the causes: the smaller
of the two closures decides, however large the other is. New edges that only repeat, by another run, what stored ones
say between the same two nodes lead nowhere new, and are not searched.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Set

from sqlalchemy.engine import Connection

from handrail.lineage.adapters.sql.reach import ENDS
from handrail.lineage.domain.circles import Pair, find_core, find_path, neighbours_of
from handrail.lineage.domain.errors import CycleRefused
from handrail.lineage.domain.facts import Statement
from handrail.lineage.domain.graph import Direction
from handrail.lineage.domain.vocabulary import Verb
from handrail.storage.bulk import ID, read

EdgeKey = tuple[int, int, int]
FIRST_BUDGET = 1_000
MAX_STEPS = 20_000
# Two names of one thing lead to each other: that is no circle of causes.
_NAMES = int(Verb.ALTERNATE_OF)
_BEYOND = """
with recursive beyond(id) as (
    select e.{there} from {{given}} cross join lineage_edge e where e.{here} = g.a and e.verb <> {names}
    union select e.{there} from beyond cross join {step}
)
select id from beyond limit {{p}}
"""
_STEPS = {
    "sqlite": "lineage_edge e where e.{here} = beyond.id and e.verb <> {names}",
    # Offset 0 makes PostgreSQL ask the index for each node; of a young table it would read all at each step.
    "postgresql": "lateral (select {there} from lineage_edge where {here} = beyond.id and verb <> {names} offset 0) e",
}
_CLOSURES = {
    (dialect, direction): _BEYOND.format(step=step.format(**columns, names=_NAMES), **columns, names=_NAMES)
    for dialect, step in _STEPS.items()
    for direction, columns in ENDS.items()
}
_HAS = (
    "select g.a from {{given}} where exists (select 1 from lineage_edge e where e.{here} = g.a and e.verb <> {names})"
)
_HAS_EFFECTS, _HAS_CAUSES = (_HAS.format(here=here, names=_NAMES) for here in ("cause", "effect"))
# What a job made of a dataset without a version it makes again with each run: an earlier run led there already.
_LED_ALREADY = f"""
select g.a, g.b from {{given}} where 1 = (select 1 from lineage_edge e cross join lineage_edge f
    where e.effect = g.a and f.effect = e.cause and f.cause = g.b
    and e.verb <> {_NAMES} and f.verb <> {_NAMES} limit 1)
"""
_EDGES = {
    direction: f"select e.effect, e.cause from {{given}} cross join lineage_edge e where e.{columns['here']} = g.a"
    f" and e.verb <> {_NAMES}"
    for direction, columns in ENDS.items()
}
_NAMED = """
select e.effect, e.cause, e.verb, n.uri, m.uri
from {given} cross join lineage_edge e cross join lineage_node n cross join lineage_node m
where e.effect = g.a and e.cause = g.b and n.id = e.effect and m.id = e.cause
"""


def refuse_circles(connection: Connection, new: Mapping[EdgeKey, Statement], new_nodes: Set[int]) -> None:
    """Refuse if `new` edges, which are not stored yet, close a circle; `new_nodes` have no stored edge.

    Raises:
        CycleRefused: they do; it names the edges of one circle.
    """
    if rest := find_circles(connection, new, new_nodes):
        raise CycleRefused(_circle(connection, rest, new))


def find_circles(connection: Connection, new: Mapping[EdgeKey, Statement], new_nodes: Set[int]) -> set[Pair]:
    """Return edges, stored and new ones, among which are all those of circles that `new` edges close; none if none do.

    `new` edges are not stored yet, and `new_nodes` have no stored edge.
    """
    pairs = {(effect, cause) for effect, cause, verb in new if verb != Verb.ALTERNATE_OF}
    return find_core(pairs | _held_between(connection, *_ends(connection, pairs, new_nodes)))


def _ends(connection: Connection, pairs: Set[Pair], new_nodes: Set[int]) -> tuple[Set[int], Set[int]]:
    """Return where stored paths of a circle may begin, and where they may end."""
    effects = {effect for effect, _ in pairs} - new_nodes
    causes = {cause for _, cause in pairs} - new_nodes
    sources = _having(connection, _HAS_EFFECTS, effects) if causes else set()
    targets = _having(connection, _HAS_CAUSES, causes) if sources else set()
    # Of all effects, not of the sources alone: new edges may lead from a source over a stored node without effects.
    led = _led_to(pairs, effects, new_nodes) if targets else None
    if led is None:
        return sources, targets
    further = led - {(row[0], row[1]) for row in read(connection, _LED_ALREADY, sorted(led), ID, ID)}
    return sources & {effect for effect, _ in further}, targets & {cause for _, cause in further}


def _led_to(pairs: Iterable[Pair], effects: Set[int], new_nodes: Set[int]) -> set[Pair] | None:
    """Return each effect with the stored nodes to which new edges lead it over new nodes; None if that takes long."""
    causes, _ = neighbours_of(pairs)
    found: set[Pair] = set()
    steps = 0
    for effect in effects:
        seen, ahead = {effect}, [effect]
        while ahead:
            here = causes.get(ahead.pop(), ())
            steps += len(here)
            if steps > MAX_STEPS:
                return None
            found.update((effect, cause) for cause in here if cause not in new_nodes)
            through = [cause for cause in here if cause in new_nodes and cause not in seen]
            seen.update(through)
            ahead += through
    return found


def _held_between(connection: Connection, sources: Set[int], targets: Set[int]) -> set[Pair]:
    """Return stored edges, among them all by which one of the sources leads down to one of the targets."""
    budget = FIRST_BUDGET
    while sources and targets:
        # The budget cannot stop within the neighbours of one node, and some have more effects than anything has causes.
        for direction, starts, ends in (
            (Direction.CAUSES, targets, sources),
            (Direction.EFFECTS, sources, targets),
        ):
            query = _CLOSURES[connection.dialect.name, direction]
            beyond = {row[0] for row in read(connection, query, [*starts], ID, more=(budget + 1,))}
            if len(beyond) <= budget:
                return _edges_of(connection, direction, starts | beyond) if beyond & ends else set()
        budget *= 4
    return set()


def _having(connection: Connection, query: str, nodes: Set[int]) -> Set[int]:
    return {row[0] for row in read(connection, query, [*nodes], ID)}


def _edges_of(connection: Connection, direction: Direction, nodes: Set[int]) -> set[Pair]:
    return {(row[0], row[1]) for row in read(connection, _EDGES[direction], [*nodes], ID)}


def _circle(connection: Connection, rest: Set[Pair], new: Mapping[EdgeKey, Statement]) -> list[str]:
    """Return the edges of a circle in words: a new one, then those by which its effect led to its cause."""
    named = {key[:2]: each for key, each in sorted(new.items(), reverse=True)}
    closing = min(_any_circle(rest) & named.keys(), key=lambda pair: named[pair].sentence)
    path = find_path(*closing, neighbours_of(sorted(rest))[1])
    steps = [(effect, cause) for cause, effect in zip(path, path[1:], strict=False)]
    held = _sentences(connection, [step for step in steps if step not in named])
    return [named[closing].sentence, *(named[step].sentence if step in named else held[step] for step in steps)]


def _any_circle(rest: Set[Pair]) -> set[Pair]:
    """Return the edges of one circle, following causes; everything in `rest` has one."""
    cause_of = dict(sorted(rest))
    passed: dict[int, int] = {}
    here = min(cause_of)
    while here not in passed:
        passed[here] = len(passed)
        here = cause_of[here]
    return {(effect, cause_of[effect]) for effect, place in passed.items() if place >= passed[here]}


def _sentences(connection: Connection, pairs: Sequence[Pair]) -> dict[Pair, str]:
    stored = edges_between(connection, pairs)
    return {key[:2]: stored[key].sentence for key in sorted(stored, reverse=True)}


def edges_between(connection: Connection, pairs: Sequence[Pair]) -> dict[EdgeKey, Statement]:
    """Return the stored edges between pairs of nodes, as statements of nobody."""
    rows = read(connection, _NAMED, pairs, ID, ID)
    return {(row[0], row[1], row[2]): Statement(row[3], row[4], Verb(row[2]), "") for row in rows}
