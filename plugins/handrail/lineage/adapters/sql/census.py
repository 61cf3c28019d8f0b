"""Which runs left a record, and whether it says anything of data."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from handrail.lineage.adapters.sql.tables import attribute, chunks, edge, node, node_id
from handrail.lineage.domain import Verb
from handrail.lineage.domain.flaws import RunHeld
from handrail.storage import Store

IN_MEMORY = "task-result"
INCOMPLETE, RECORDED = "incomplete", "recorded"


class SqlCensus:
    """The census of runs over the tables of lineage."""

    def __init__(self, store: Store) -> None:
        """Look at `store`, whose tables exist."""
        self._store = store

    def runs(self, uris: Sequence[str]) -> Mapping[str, RunHeld]:
        """Return what is held of each activity by its URI, with what its parts touched; an unknown one is left out.

        A value that task runs pass on in memory counts for no artifact, and is counted apart.
        """
        found: dict[str, RunHeld] = {}
        with self._store.read() as connection:
            for part in chunks([node_id(uri) for uri in uris]):
                held = {row.id: row.uri for row in connection.execute(sa.select(node).where(node.c.id.in_(part)))}
                touched, values = _sum(connection, _counts(part)), _sum(connection, _counts(part, in_memory=True))
                missing, recorded = _told(connection, part, INCOMPLETE), _told(connection, part, RECORDED)
                found |= {
                    uri: RunHeld(touched[run], missing.get(run, ""), values[run], run in recorded)
                    for run, uri in held.items()
                }
        return found


def _sum(connection: Connection, queries: Iterable[sa.Select[tuple[int, int]]]) -> Counter[int]:
    counts: Counter[int] = Counter()
    for query in queries:
        counts.update({run: count for run, count in connection.execute(query)})
    return counts


def _counts(runs: Sequence[int], *, in_memory: bool = False) -> Iterator[sa.Select[tuple[int, int]]]:
    """Yield queries for the number of artifacts that runs, and the activities in them, used and generated."""
    itself = sa.select(node.c.id.label("run"), node.c.id.label("part")).where(node.c.id.in_(runs))
    member = sa.select(edge.c.cause, edge.c.effect).where(
        edge.c.cause.in_(runs), edge.c.verb == int(Verb.ASSOCIATED_WITH)
    )
    parts = sa.union(itself, member).subquery()
    for verb, activity, artifact in (
        (Verb.USED, edge.c.effect, edge.c.cause),
        (Verb.GENERATED, edge.c.cause, edge.c.effect),
    ):
        touched = parts.join(edge, activity == parts.c.part).join(node, node.c.id == artifact)
        yield (
            sa.select(parts.c.run, sa.func.count())
            .select_from(touched)
            .where(edge.c.verb == int(verb), node.c.kind == IN_MEMORY if in_memory else node.c.kind != IN_MEMORY)
            .group_by(parts.c.run)
        )


def _told(connection: Connection, runs: Sequence[int], name: str) -> Mapping[int, str]:
    """Return an attribute of the runs that have it."""
    kept = sa.select(attribute.c.node, sa.func.min(attribute.c.value))
    query = kept.where(attribute.c.name == name, attribute.c.node.in_(runs)).group_by(attribute.c.node)
    return {run: value for run, value in connection.execute(query)}
