"""Reads what a walk reached: whole nodes and edges, or only how many there are of each kind.

Each is one prepared statement over all ids at once, whatever their number.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

from sqlalchemy.engine import Connection

from handrail.lineage.adapters.sql.reach import GIVEN, fetch, ids_as_parameter
from handrail.lineage.adapters.sql.tables import to_moment
from handrail.lineage.domain import Edge, Node, Role, Verb, Walk

_NODES = """
select n.id, n.uri, n.role, n.kind, n.started, n.ended from {given} cross join lineage_node n where n.id = g.value
"""
_ATTRIBUTES = "select a.node, a.name, a.value from {given} cross join lineage_attribute a where a.node = g.value"
_DIGESTS = "select d.node, d.digest from {given} cross join lineage_digest d where d.node = g.value and d.standing"
_BEATEN = "select d.node from {given} cross join lineage_digest d where d.node = g.value and not d.standing"
_EDGES = """
select e.effect, e.cause, e.verb, e.proven, s.asserted_by
from {given} cross join lineage_edge e
left join lineage_statement s on s.effect = e.effect and s.cause = e.cause and s.verb = e.verb
where e.effect = g.value
"""
_KINDS = """
select n.kind, {named}, count(*) from {given} cross join lineage_node n where n.id = g.value group by 1, 2
"""
_PAGE = """
select n.id, n.uri, n.role, n.kind, n.started, n.ended from {given} cross join lineage_node n
where n.id = g.value and n.uri > {p} {of_kinds} order by n.uri limit {p}
"""
ROLES = {int(role): role for role in Role}
VERBS = {int(verb): verb for verb in Verb}
Ids = Sequence[int]
Tallied = tuple[Counter[str], dict[str, list[str]]]


@dataclass(frozen=True, slots=True)
class SqlFound:
    """What was reached by SQL."""

    found: Ids
    truncated: bool

    @staticmethod
    def of(ids: Ids, most: int) -> SqlFound:
        """Keep up to `most` ids."""
        return SqlFound(ids[:most], len(ids) > most)

    def ids(self) -> Ids:
        """Return all ids, nearest first."""
        return self.found

    def count(self, connection: Connection, kinds: Sequence[str]) -> Tallied:
        """Return how many there are of each kind, and the URIs of those of some `kinds`."""
        return count_kinds(connection, self.found, kinds)


def read_walk(connection: Connection, start: str, ids: Ids, truncated: bool) -> Walk:
    """Return the nodes of these ids and the edges between them."""
    nodes = read_nodes(connection, ids)
    tellers: dict[tuple[int, int, int, bool], list[str]] = defaultdict(list)
    for effect, cause, verb, proven, teller in _rows(connection, _EDGES, ids):
        if cause in nodes:
            tellers[effect, cause, verb, bool(proven)].append(teller)
    edges = [
        Edge(nodes[effect].uri, nodes[cause].uri, VERBS[verb], proven, _tellers(told))
        for (effect, cause, verb, proven), told in tellers.items()
    ]
    edges.sort(key=attrgetter("effect", "cause", "verb"))
    return Walk(start, tuple(sorted(nodes.values(), key=attrgetter("uri"))), tuple(edges), truncated)


def _tellers(told: Sequence[str | None]) -> tuple[str, ...]:
    """Return who told of an edge, each once."""
    if len(told) == 1 and told[0]:
        return (told[0],)
    return tuple(sorted({teller for teller in told if teller}))


def read_nodes(connection: Connection, ids: Ids) -> dict[int, Node]:
    """Return the nodes of these ids, with their attributes and the digest that stands."""
    return _complete(connection, _rows(connection, _NODES, ids))


def count_kinds(connection: Connection, ids: Ids, kinds: Sequence[str]) -> Tallied:
    """Return how many of these nodes there are of each kind, and the URIs of those of some `kinds`, in order."""
    counts: Counter[str] = Counter()
    names: dict[str, list[str]] = {kind: [] for kind in kinds}
    if ids:
        named = f"case when n.kind in ({_marks(connection, len(kinds))}) then n.uri end" if kinds else "null"
        sql = _in_dialect(connection, _KINDS, named=named)
        given = ids_as_parameter(connection, sorted(ids))
        for kind, uri, number in fetch(connection, sql, (*kinds, given)):
            counts[kind] += number
            if uri is not None:
                names[kind].append(uri)
    return counts, {kind: sorted(uris) for kind, uris in names.items()}


def find_beaten(connection: Connection, ids: Ids) -> set[int]:
    """Return the ids of those of the nodes that have a digest that did not stand."""
    return {node for (node,) in _rows(connection, _BEATEN, ids)}


def read_page(connection: Connection, ids: Ids, kinds: Sequence[str], after: str, limit: int) -> tuple[Node, ...]:
    """Return up to `limit` nodes among these ids whose URI is beyond `after`, by URI; of some kinds, or of any."""
    of_kinds = f"and n.kind in ({_marks(connection, len(kinds))})" if kinds else ""
    sql = _in_dialect(connection, _PAGE, of_kinds=of_kinds)
    rows = fetch(connection, sql, (ids_as_parameter(connection, sorted(ids)), after, *kinds, limit))
    return tuple(sorted(_complete(connection, rows).values(), key=lambda node: node.uri))


def _complete(connection: Connection, rows: Sequence[tuple[Any, ...]]) -> dict[int, Node]:
    ids = [row[0] for row in rows]
    values: dict[int, list[tuple[str, str]]] = defaultdict(list)
    for node, name, value in _rows(connection, _ATTRIBUTES, ids):
        values[node].append((name, value))
    digests: dict[int, list[str]] = defaultdict(list)
    for node, digest in _rows(connection, _DIGESTS, ids):
        digests[node].append(digest)
    return {row[0]: _node(row, digests.get(row[0], ()), values.get(row[0], ())) for row in rows}


def _node(row: tuple[Any, ...], digests: Sequence[str], pairs: Sequence[tuple[str, str]]) -> Node:
    _, uri, role, kind, started, ended = row
    digest = max(digests) if digests else None  # sha256 before md5 and git
    return Node(uri, ROLES[role], kind, digest, _united(pairs), to_moment(started), to_moment(ended))


def _united(pairs: Sequence[tuple[str, str]]) -> Mapping[str, str]:
    """Return attributes by name; several values of one are joined."""
    if len(pairs) < 2:
        return dict(pairs)
    united: dict[str, str] = {}
    for name, value in sorted(pairs):
        united[name] = f"{united[name]} | {value}" if name in united else value
    return united


def _rows(connection: Connection, query: str, ids: Ids) -> Sequence[tuple[Any, ...]]:
    if not ids:
        return ()
    return fetch(connection, _in_dialect(connection, query), (ids_as_parameter(connection, ids),))


def _in_dialect(connection: Connection, query: str, **parts: str) -> str:
    return query.format(given=GIVEN[connection.dialect.name], p=_marks(connection, 1), **parts)


def _marks(connection: Connection, count: int) -> str:
    return ", ".join(["%s" if connection.dialect.name == "postgresql" else "?"] * count)
