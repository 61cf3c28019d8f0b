"""Which runs left a record, and whether it says anything of data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import sqlalchemy as sa

from handrail.lineage.adapters.tables import attribute, chunks, edge, node, node_id
from handrail.lineage.domain import Verb
from handrail.lineage.domain.flaws import RunHeld
from handrail.storage import Store

IN_MEMORY = "task-result"
INCOMPLETE = "incomplete"


class SqlCensus:
    """The census of runs over the tables of lineage."""

    def __init__(self, store: Store) -> None:
        """Look at `store`, whose tables exist."""
        self._store = store

    def runs(self, uris: Sequence[str]) -> Mapping[str, RunHeld]:
        """Return what is held of each activity."""
        found: dict[str, RunHeld] = {}
        with self._store.read() as connection:
            for part in chunks([node_id(uri) for uri in uris]):
                held = {row.id: row.uri for row in connection.execute(sa.select(node).where(node.c.id.in_(part)))}
                counts: dict[int, int] = {}
                for query in (_used(part), _generated(part)):
                    for run, count in connection.execute(query):
                        counts[run] = counts.get(run, 0) + count
                missing = {run: value for run, value in connection.execute(_incomplete(part))}
                found |= {uri: RunHeld(counts.get(run, 0), missing.get(run, "")) for run, uri in held.items()}
        return found


def _used(runs: Sequence[int]) -> sa.Select[tuple[int, int]]:
    joined = edge.join(node, node.c.id == edge.c.cause)
    return _counted(sa.select(edge.c.effect, sa.func.count()).select_from(joined), Verb.USED, runs, edge.c.effect)


def _generated(runs: Sequence[int]) -> sa.Select[tuple[int, int]]:
    joined = edge.join(node, node.c.id == edge.c.effect)
    return _counted(sa.select(edge.c.cause, sa.func.count()).select_from(joined), Verb.GENERATED, runs, edge.c.cause)


def _counted(
    query: sa.Select[tuple[int, int]], verb: Verb, runs: Sequence[int], run: sa.Column[int]
) -> sa.Select[tuple[int, int]]:
    return query.where(edge.c.verb == int(verb), run.in_(runs), node.c.kind != IN_MEMORY).group_by(run)


def _incomplete(runs: Sequence[int]) -> sa.Select[tuple[int, str]]:
    kept = sa.select(attribute.c.node, sa.func.min(attribute.c.value))
    return kept.where(attribute.c.name == INCOMPLETE, attribute.c.node.in_(runs)).group_by(attribute.c.node)
