"""Reads what a walk reached: whole nodes and edges, facts as recorded, or only how many nodes there are of each kind.

Each is one prepared statement over all ids at once, whatever their number.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter

from sqlalchemy.engine import Connection

from handrail.lineage.adapters.sql.columns import columns_into
from handrail.lineage.adapters.sql.states import read_states
from handrail.lineage.adapters.sql.tables import NODES, StatementRow, node_id, read_node_rows, to_moment
from handrail.lineage.domain.events import STATE
from handrail.lineage.domain.facts import Facts, NodeFact, Statement
from handrail.lineage.domain.graph import Edge, Node, Walk
from handrail.lineage.domain.vocabulary import Role, Verb
from handrail.storage.bulk import ID, Values, read

_ATTRIBUTES = "select a.node, a.name, a.value from {given} cross join lineage_attribute a where a.node = g.a"
_DIGESTS = "select d.node, d.digest from {given} cross join lineage_digest d where d.node = g.a and d.standing"
_REJECTED = "select d.node from {given} cross join lineage_digest d where d.node = g.a and not d.standing"
_EDGES = """
select e.effect, e.cause, e.verb, e.proven, s.asserted_by
from {given} cross join lineage_edge e
left join lineage_statement s on s.effect = e.effect and s.cause = e.cause and s.verb = e.verb
where e.effect = g.a
"""
_STATEMENTS = """
select s.effect, s.cause, s.verb, s.asserted_by, s.effect_digest, s.cause_digest, s.agreed
from {given} cross join lineage_statement s where s.effect = g.a
"""
_KINDS = """
with wanted(node) as (select g.a from {{given}})
select n.kind, {named}, count(*) from wanted cross join lineage_node n where n.id = wanted.node group by 1, 2
"""
_PAGE = """
select n.id, n.uri, n.role, n.kind, n.started, n.ended from {{given}} cross join lineage_node n
where n.id = g.a and n.uri > {{p}} {of_kinds} order by n.uri limit {{p}}
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

    def ids(self) -> Ids:
        """Return all ids, nearest first."""
        return self.found

    def among(self, nodes: Collection[int]) -> list[int]:
        """Return those of some nodes that were reached."""
        return [one for one in self.found if one in nodes]

    def count(self, connection: Connection, kinds: Sequence[str]) -> Tallied:
        """Return how many there are of each kind, and the URIs of those of some `kinds`."""
        return count_kinds(connection, self.found, kinds)


def read_walk(connection: Connection, start: str, ids: Ids, truncated: bool) -> Walk:
    """Return the nodes of these ids and the edges between them."""
    nodes = _complete(connection, read(connection, NODES, ids, ID))
    sources: dict[tuple[int, int, int, bool], list[str]] = defaultdict(list)
    for effect, cause, verb, proven, source in read(connection, _EDGES, ids, ID):
        if cause in nodes:
            sources[effect, cause, verb, bool(proven)].append(source)
    edges = [
        Edge(nodes[effect].uri, nodes[cause].uri, VERBS[verb], proven, _unique(named))
        for (effect, cause, verb, proven), named in sources.items()
    ]
    edges.sort(key=attrgetter("effect", "cause", "verb"))
    return Walk(start, tuple(sorted(nodes.values(), key=attrgetter("uri"))), tuple(edges), truncated)


def _unique(sources: Sequence[str | None]) -> tuple[str, ...]:
    """Return the sources of an edge, each once."""
    if len(sources) == 1 and sources[0]:
        return (sources[0],)
    return tuple(sorted({source for source in sources if source}))


def count_kinds(connection: Connection, ids: Ids, kinds: Sequence[str]) -> Tallied:
    """Return how many of these nodes there are of each kind, and the URIs of those of some `kinds`, in order."""
    counts: Counter[str] = Counter()
    names: dict[str, list[str]] = {kind: [] for kind in kinds}
    query = _KINDS.format(named=f"case when {_is_among(kinds)} then n.uri end" if kinds else "null")
    for kind, uri, number in read(connection, query, sorted(ids), ID, more=kinds):
        counts[kind] += number
        if uri is not None:
            names[kind].append(uri)
    return counts, {kind: sorted(uris) for kind, uris in names.items()}


def find_rejected(connection: Connection, ids: Ids) -> set[int]:
    """Return the ids of the nodes that have a rejected digest."""
    return {node for (node,) in read(connection, _REJECTED, ids, ID)}


def read_page(connection: Connection, ids: Ids, kinds: Sequence[str], after: str, limit: int) -> tuple[Node, ...]:
    """Return up to `limit` nodes among these ids whose URI is beyond `after`, by URI; of some kinds, or of any."""
    query = _PAGE.format(of_kinds=f"and {_is_among(kinds)}" if kinds else "")
    rows = read(connection, query, sorted(ids), ID, more=(after, *kinds, limit))
    return tuple(sorted(_complete(connection, rows).values(), key=lambda node: node.uri))


def read_facts(connection: Connection, uris: Iterable[str]) -> Facts:
    """Return what is stored about nodes and the hops between them; unknown ones are left out."""
    ids = sorted({node_id(uri) for uri in uris})
    attributes: dict[int, set[tuple[str, str]]] = defaultdict(set)
    for one, name, value in read(connection, _ATTRIBUTES, ids, ID):
        attributes[one].add((name, value))
    rows = read_node_rows(connection, ids)
    states = read_states(connection, (row.uri for row in rows))
    nodes = {
        row.id: NodeFact(
            row.uri,
            Role(row.role),
            row.kind,
            _with_state(frozenset(attributes[row.id]), states.get(row.uri)),
            to_moment(row.started),
            to_moment(row.ended),
        )
        for row in rows
    }
    stated = [StatementRow(*row) for row in read(connection, _STATEMENTS, ids, ID)]
    statements = {_statement(row, nodes) for row in stated if row.effect in nodes and row.cause in nodes}
    known = {row.uri for row in rows}
    columns = frozenset(each for each in columns_into(connection, ids) if each.cause in known)
    return Facts(frozenset(nodes.values()), frozenset(statements), columns)


def _with_state(attributes: Iterable[tuple[str, str]], state: str | None) -> frozenset[tuple[str, str]]:
    """Return the attributes of a run with its state, which no attribute that a producer gave may contradict."""
    if state is None:
        return frozenset(attributes)
    return frozenset([*((name, value) for name, value in attributes if name != STATE), (STATE, state)])


def _statement(row: StatementRow, nodes: Mapping[int, NodeFact]) -> Statement:
    return Statement(
        nodes[row.effect].uri,
        nodes[row.cause].uri,
        Verb(row.verb),
        row.asserted_by,
        row.effect_digest,
        row.cause_digest,
        row.agreed,
    )


def _complete(connection: Connection, rows: Sequence[Values]) -> dict[int, Node]:
    """Return the nodes of these rows by id, with their attributes and the digest that is used."""
    ids = [row[0] for row in rows]
    values: dict[int, list[tuple[str, str]]] = defaultdict(list)
    for node, name, value in read(connection, _ATTRIBUTES, ids, ID):
        values[node].append((name, value))
    states = read_states(connection, (row[1] for row in rows))
    for row in rows:
        if row[1] in states:
            values[row[0]] = [*_with_state(values[row[0]], states[row[1]])]
    digests: dict[int, list[str]] = defaultdict(list)
    for node, digest in read(connection, _DIGESTS, ids, ID):
        digests[node].append(digest)
    return {row[0]: _node(row, digests.get(row[0], ()), values.get(row[0], ())) for row in rows}


def _node(row: Values, digests: Sequence[str], pairs: Sequence[tuple[str, str]]) -> Node:
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


def _is_among(kinds: Sequence[str]) -> str:
    """Return a condition with a placeholder for each kind."""
    return f"n.kind in ({', '.join(['{p}'] * len(kinds))})"
