"""Finds circles in the stored edges, of any length. None can be recorded, so each was written past Handrail."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from handrail.lineage.adapters.sql.tables import edge, node
from handrail.lineage.domain.circles import find_core, find_rings, find_way_around, neighbours_of
from handrail.lineage.domain.flaws import Flaw

FETCHED = 10_000
SHOWN = 8


def circles(connection: Connection) -> Iterator[Flaw]:
    """Return a flaw for each set of things that lead to one another, with a shortest way around.

    An edge from a thing to itself is a flaw of another kind.
    """
    query = sa.select(edge.c.effect, edge.c.cause).distinct().where(edge.c.effect != edge.c.cause)
    rows = connection.execute(query.execution_options(yield_per=FETCHED))
    core = sorted(find_core((effect, cause) for effect, cause in rows))
    causes, _ = neighbours_of(core)
    for ring in find_rings(core):
        yield _flaw(connection, find_way_around(ring, causes), len(ring))


def _flaw(connection: Connection, way: Sequence[int], size: int) -> Flaw:
    query = sa.select(node.c.id, node.c.uri).where(node.c.id.in_(way[: SHOWN + 1]))
    uris = {row.id: row.uri for row in connection.execute(query)}
    names = [uris.get(each, f"node {each}") for each in way[: SHOWN + 1]]
    more = [f"{len(way) - len(names)} more"] if len(way) > len(names) else []
    chain = " from ".join([*names[1:], *more, names[0]])
    return Flaw("circle", names[0], f"it is one of {size} things that lead to one another: it came from {chain}")
