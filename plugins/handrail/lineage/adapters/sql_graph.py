"""Keeps the graph in SQL and walks it with a recursive query."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from handrail.lineage.adapters.sql_events import OURSELVES, keep_events
from handrail.lineage.adapters.sql_recording import record
from handrail.lineage.adapters.tables import attribute, chunks, digest, edge, node, node_id, statement, to_moment
from handrail.lineage.domain import DigestConflict, Direction, Edge, Facts, LineageEvent, Node, Role, Verb, Walk
from handrail.storage import Store

LARGE = 20_000
LAST_CHARACTER = "\U0010ffff"
# `union` forgets rows seen before, so a node is visited once; the limit outside ends the recursion.
_WALK = """
with recursive reached(id) as (
    select cast(:start as bigint)
    union select e.{there} from reached join lineage_edge e on e.{here} = reached.id
)
select id from reached limit :most
"""
_WALKS = {
    Direction.CAUSES: sa.text(_WALK.format(here="effect", there="cause")),
    Direction.EFFECTS: sa.text(_WALK.format(here="cause", there="effect")),
}


class Reach(Protocol):
    """A faster way through large closures: `CsrReach`."""

    def prepare(self) -> None:
        """Make ready; takes time."""

    def reach(self, connection: Connection, start: int, direction: Direction, most: int) -> list[int] | None:
        """Return up to `most` ids reachable from a node's id; None if `prepare` has to be called first."""


class SqlGraph:
    """The graph store, and the log of its digest conflicts."""

    def __init__(self, store: Store, reach: Reach | None = None, large: int = LARGE) -> None:
        """Work in `store`, whose tables exist; closures above `large` nodes go over `reach`, if there is one."""
        self._store = store
        self._reach = reach
        self._large = large

    def record(self, facts: Facts, events: Sequence[LineageEvent] = (), sinks: Sequence[str] = ()) -> bool:
        """Unite `facts` with what is held: durably, all or none. If any was new, keep and queue `events` as well."""
        with self._store.write() as connection:
            is_new = record(connection, facts)
            if is_new:
                keep_events(connection, events, OURSELVES, sinks)
        return is_new

    def walk(self, start: str, direction: Direction, max_nodes: int) -> Walk | None:
        """Return everything reachable from `start`, itself included, as one state of the graph."""
        with self._store.read() as connection:
            if not _uris(connection, [node_id(start)]):
                return None
            ids = self._reachable(connection, node_id(start), direction, max_nodes + 1)
            if ids is not None:
                return _read_walk(connection, start, ids[:max_nodes], len(ids) > max_nodes)
        if self._reach is not None:
            self._reach.prepare()
        with self._store.read() as connection:
            ids = self._reachable(connection, node_id(start), direction, max_nodes + 1)
            if ids is None:
                ids = _by_sql(connection, node_id(start), direction, max_nodes + 1)
            return _read_walk(connection, start, ids[:max_nodes], len(ids) > max_nodes)

    def _reachable(self, connection: Connection, start: int, direction: Direction, most: int) -> list[int] | None:
        """Return up to `most` ids; None if there are so many that a snapshot is worth its time."""
        if self._reach is None:
            return _by_sql(connection, start, direction, most)
        ids = self._reach.reach(connection, start, direction, most)
        if ids is None:
            ids = _by_sql(connection, start, direction, min(most, self._large + 1))
            if len(ids) == self._large + 1 < most:
                return None
        return ids

    def find(self, prefix: str, limit: int) -> tuple[str, ...]:
        """Return up to `limit` URIs that begin with `prefix`."""
        within = sa.and_(node.c.uri >= prefix, node.c.uri < prefix + LAST_CHARACTER)
        with self._store.read() as connection:
            found = connection.execute(sa.select(node.c.uri).where(within).order_by(node.c.uri).limit(limit))
            return tuple(found.scalars())

    def conflicts(self, uris: Sequence[str] | None = None) -> tuple[DigestConflict, ...]:
        """Return the digest conflicts of these nodes, or of all, by URI."""
        with self._store.read() as connection:
            beaten = sa.select(digest.c.node).where(digest.c.standing.is_(False)).distinct()
            ids = set(connection.execute(beaten).scalars())
            if uris is not None:
                ids &= {node_id(uri) for uri in uris}
            found = [conflict for one in sorted(ids) for conflict in _conflicts_of(connection, one)]
        return tuple(sorted(found, key=lambda conflict: (conflict.uri, conflict.standing)))


def _by_sql(connection: Connection, start: int, direction: Direction, most: int) -> list[int]:
    return list(connection.execute(_WALKS[direction], {"start": start, "most": most}).scalars())


def _read_walk(connection: Connection, start: str, ids: Sequence[int], truncated: bool) -> Walk:
    nodes = _read_nodes(connection, ids)
    uris = {one: found.uri for one, found in nodes.items()}
    tellers = _read_tellers(connection, ids)
    edges = [
        Edge(uris[row.effect], uris[row.cause], Verb(row.verb), row.proven, tuple(sorted(tellers[tuple(row[:3])])))
        for part in chunks(ids)
        for row in connection.execute(sa.select(edge).where(edge.c.effect.in_(part)))
        if row.cause in uris
    ]
    return Walk(
        start,
        tuple(sorted(nodes.values(), key=lambda found: found.uri)),
        tuple(sorted(edges, key=lambda found: (found.effect, found.cause, found.verb))),
        truncated,
    )


def _read_nodes(connection: Connection, ids: Sequence[int]) -> dict[int, Node]:
    values: dict[int, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    digests: dict[int, list[str]] = defaultdict(list)
    rows: list[Any] = []
    for part in chunks(ids):
        for row in connection.execute(sa.select(attribute).where(attribute.c.node.in_(part))):
            values[row.node][row.name].append(row.value)
        for row in connection.execute(
            sa.select(digest.c.node, digest.c.digest).where(digest.c.node.in_(part), digest.c.standing)
        ):
            digests[row.node].append(row.digest)
        rows += connection.execute(sa.select(node).where(node.c.id.in_(part))).all()
    return {row.id: _node(row, digests.get(row.id, ()), values.get(row.id, {})) for row in rows}


def _node(row: Any, digests: Sequence[str], values: Mapping[str, Iterable[str]]) -> Node:
    return Node(
        row.uri,
        Role(row.role),
        row.kind,
        max(digests, default=None),  # sha256 before md5 and git
        {name: " | ".join(sorted(given)) for name, given in sorted(values.items())},
        to_moment(row.started),
        to_moment(row.ended),
    )


def _read_tellers(connection: Connection, ids: Sequence[int]) -> dict[tuple[int, ...], set[str]]:
    tellers: dict[tuple[int, ...], set[str]] = defaultdict(set)
    columns = (statement.c.effect, statement.c.cause, statement.c.verb, statement.c.asserted_by)
    for part in chunks(ids):
        for row in connection.execute(sa.select(*columns).where(statement.c.effect.in_(part))):
            tellers[tuple(row[:3])].add(row.asserted_by)
    return tellers


def _uris(connection: Connection, ids: Sequence[int]) -> dict[int, str]:
    found = connection.execute(sa.select(node.c.id, node.c.uri).where(node.c.id.in_(ids)))
    return {row.id: row.uri for row in found}


def _conflicts_of(connection: Connection, one: int) -> list[DigestConflict]:
    uri = _uris(connection, [one])[one]
    held: dict[str, list[tuple[bool, str]]] = defaultdict(list)
    for row in connection.execute(sa.select(digest).where(digest.c.node == one)):
        held[row.algorithm].append((row.standing, row.digest))
    about = sa.or_(
        sa.and_(statement.c.effect == one, statement.c.effect_digest != ""),
        sa.and_(statement.c.cause == one, statement.c.cause_digest != ""),
    )
    tellers = connection.execute(sa.select(statement.c.asserted_by).where(about).distinct()).scalars()
    told = tuple(sorted(tellers))
    return [
        DigestConflict(
            uri,
            next(value for standing, value in claims if standing),
            tuple(sorted(value for standing, value in claims if not standing)),
            told,
        )
        for _, claims in sorted(held.items())
        if len(claims) > 1
    ]
