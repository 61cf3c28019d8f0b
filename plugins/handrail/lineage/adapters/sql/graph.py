"""Stores the graph in SQL; large closures may be found in a copy of the edges in memory."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeVar

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from handrail.lineage.adapters.sql.columns import columns_around
from handrail.lineage.adapters.sql.events import OURSELVES, store_events
from handrail.lineage.adapters.sql.reach import reach
from handrail.lineage.adapters.sql.recording import lock, record
from handrail.lineage.adapters.sql.states import failed_runs
from handrail.lineage.adapters.sql.tables import digest, node, node_id, statement
from handrail.lineage.adapters.sql.walks import SqlFound, find_rejected, read_facts, read_page, read_walk
from handrail.lineage.domain.events import LineageEvent
from handrail.lineage.domain.facts import ColumnFact, Facts
from handrail.lineage.domain.graph import DigestConflict, Direction, Node, Reachable, Tally, Walk
from handrail.lineage.ports import GraphStore
from handrail.storage import Store

if TYPE_CHECKING:
    # At run time it needs numpy.
    from handrail.lineage.adapters.sql.csr_reach import CsrFound, CsrReach

    Found = SqlFound | CsrFound

LARGE = 20_000
LAST_CHARACTER = "\U0010ffff"
_KNOWN = sa.select(node.c.id).where(node.c.id == sa.bindparam("id"))
_REJECTED = sa.select(digest.c.node).where(digest.c.standing.is_(False)).distinct()
T = TypeVar("T")


class SqlGraph(GraphStore):
    """The graph store, its counts, and the log of its digest conflicts."""

    def __init__(self, store: Store, reach: CsrReach | None = None, large: int = LARGE) -> None:
        """Work in `store`, whose tables exist; closures above `large` nodes go over `reach`, if there is one."""
        self._store = store
        self._reach = reach
        self._large = large

    def record(self, facts: Facts, events: Sequence[LineageEvent] = (), sinks: Sequence[str] = ()) -> bool:
        """Unite `facts` with what is stored: durably, all or none. If any was new, store and queue `events` as well."""
        with self._store.write() as connection:
            lock(connection)
            is_new = record(connection, facts)
            if is_new:
                store_events(connection, events, OURSELVES, sinks)
        return is_new

    def facts(self, uris: Sequence[str]) -> Facts:
        """Return what was recorded about these nodes and the hops between them."""
        with self._store.read() as connection:
            return read_facts(connection, uris)

    def columns(self, uris: Sequence[str]) -> tuple[ColumnFact, ...]:
        """Return what the columns of these nodes came from, and what came from them."""
        with self._store.read() as connection:
            return tuple(columns_around(connection, [node_id(uri) for uri in uris]))

    def walk(self, start: str, direction: Direction, max_nodes: int, depth: int | None = None) -> Walk | None:
        """Return everything that can be reached from `start`, itself included, as one state of the graph."""
        what = Reachable(start, direction, max_nodes, depth)
        return self._ask(what, lambda on, found: read_walk(on, what.start, found.ids(), found.truncated))

    def tally(self, what: Reachable, kinds: Sequence[str] = ()) -> Tally | None:
        """Count what can be reached, by kind, and name the nodes of some kinds."""

        def count(connection: Connection, found: Found) -> Tally:
            counts, names = found.count(connection, kinds)
            failed = failed_runs(connection) if counts.get("run") else {}
            reached = found.among(failed) if failed else ()
            return Tally(what.start, counts, names, found.truncated, tuple(sorted(failed[one] for one in reached)))

        return self._ask(what, count)

    def page(self, what: Reachable, kinds: Sequence[str], after: str, limit: int) -> tuple[Node, ...]:
        """Return up to `limit` of the nodes that can be reached, by URI, from beyond the URI `after`."""
        found = self._ask(what, lambda on, found: read_page(on, found.ids(), kinds, after, limit))
        return found or ()

    def _ask(self, what: Reachable, answer: Callable[[Connection, Found], T]) -> T | None:
        with self._store.read() as connection:
            if connection.execute(_KNOWN, {"id": node_id(what.start)}).first() is None:
                return None
            found = self._find(connection, what)
            if found is not None:
                return answer(connection, found)
        if self._reach is not None:
            self._reach.prepare()
        with self._store.read() as connection:
            return answer(connection, self._find(connection, what) or _by_sql(connection, what, what.max_nodes))

    def _find(self, connection: Connection, what: Reachable) -> Found | None:
        """Find what can be reached; None if that is so much that a copy in memory is worth its time."""
        if self._reach is None:
            return _by_sql(connection, what, what.max_nodes)
        if found := self._reach.find(connection, what):
            return found
        few = _by_sql(connection, what, min(what.max_nodes, self._large))
        return None if few.truncated and self._large < what.max_nodes else few

    def find(self, prefix: str, limit: int, after: str = "") -> tuple[str, ...]:
        """Return up to `limit` URIs that begin with `prefix` and come after another."""
        within = sa.and_(node.c.uri >= prefix, node.c.uri > after, node.c.uri < prefix + LAST_CHARACTER)
        with self._store.read() as connection:
            found = connection.execute(sa.select(node.c.uri).where(within).order_by(node.c.uri).limit(limit))
            return tuple(found.scalars())

    def with_digest(self, beginning: str, limit: int) -> tuple[str, ...]:
        """Return up to `limit` URIs that were claimed with a digest that begins so, in their order."""
        algorithm = beginning.partition(":")[0]
        fits = (digest.c.digest >= beginning, digest.c.digest < beginning + LAST_CHARACTER)
        claimed = sa.select(digest.c.node).where(digest.c.algorithm == algorithm, *fits)
        with self._store.read() as connection:
            uris = sa.select(node.c.uri).where(node.c.id.in_(claimed)).order_by(node.c.uri).limit(limit)
            return tuple(connection.execute(uris).scalars())

    def conflicts(self, uris: Sequence[str] | None = None) -> tuple[DigestConflict, ...]:
        """Return the digest conflicts of these nodes, or of all, by URI."""
        with self._store.read() as connection:
            if uris is None:
                ids = set(connection.execute(_REJECTED).scalars())
            else:
                ids = find_rejected(connection, [node_id(uri) for uri in uris])
            found = [conflict for one in sorted(ids) for conflict in _conflicts_of(connection, one)]
        return tuple(sorted(found, key=lambda conflict: (conflict.uri, conflict.first)))


def _by_sql(connection: Connection, what: Reachable, most: int) -> SqlFound:
    ids = reach(connection, node_id(what.start), what.direction, most + 1, what.depth)
    return SqlFound(ids[:most], len(ids) > most)


def _conflicts_of(connection: Connection, one: int) -> list[DigestConflict]:
    uri = connection.execute(sa.select(node.c.uri).where(node.c.id == one)).scalar_one()
    held: dict[str, list[tuple[bool, str]]] = defaultdict(list)
    for row in connection.execute(sa.select(digest).where(digest.c.node == one)):
        held[row.algorithm].append((row.standing, row.digest))
    about = sa.or_(
        sa.and_(statement.c.effect == one, statement.c.effect_digest != ""),
        sa.and_(statement.c.cause == one, statement.c.cause_digest != ""),
    )
    sources = connection.execute(sa.select(statement.c.asserted_by).where(about).distinct()).scalars()
    asserted_by = tuple(sorted(sources))
    return [
        DigestConflict(
            uri,
            next((value for is_used, value in claims if is_used), "none"),
            tuple(sorted(value for is_used, value in claims if not is_used)),
            asserted_by,
        )
        for _, claims in sorted(held.items())
        if len(claims) > 1
    ]
