"""Which runs left a record, and whether it says anything of data."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from sqlalchemy.engine import Connection

from handrail.lineage.adapters.sql.tables import node_id, read_node_rows
from handrail.lineage.domain.flaws import RunSummary
from handrail.lineage.domain.vocabulary import Verb
from handrail.storage import Store
from handrail.storage.bulk import ID, read

IN_MEMORY = "task-result"
INCOMPLETE, RECORDED = "incomplete", "recorded"
_TOUCHED = f"""
with runs(run) as (select g.a from {{{{given}}}}),
parts(run, part) as (
    select run, run from runs
    union select runs.run, e.effect from runs cross join lineage_edge e
    where e.cause = runs.run and e.verb = {int(Verb.ASSOCIATED_WITH)}
)
select parts.run, count(*) from parts cross join lineage_edge e cross join lineage_node n
where e.{{activity}} = parts.part and e.verb = {{verb}} and n.id = e.{{artifact}} and n.kind {{is_kind}} '{IN_MEMORY}'
group by parts.run
"""
_ATTRIBUTE = """
select a.node, min(a.value) from {given} cross join lineage_attribute a where a.node = g.a and a.name = {p}
group by a.node
"""


class SqlCensus:
    """The census of runs over the tables of lineage."""

    def __init__(self, store: Store) -> None:
        """Look at `store`, whose tables exist."""
        self._store = store

    def runs(self, uris: Sequence[str]) -> Mapping[str, RunSummary]:
        """Return what is stored about each activity by its URI, with what its parts touched; unknown ones are left out.

        A value that task runs pass on in memory counts for no artifact, and is counted apart.
        """
        ids = [node_id(uri) for uri in uris]
        with self._store.read() as connection:
            held = read_node_rows(connection, ids)
            touched, values = _count(connection, ids, "<>"), _count(connection, ids, "=")
            missing, recorded = _attribute(connection, ids, INCOMPLETE), _attribute(connection, ids, RECORDED)
        return {
            run.uri: RunSummary(touched[run.id], missing.get(run.id, ""), values[run.id], run.id in recorded)
            for run in held
        }


def _count(connection: Connection, runs: Sequence[int], is_kind: str) -> Counter[int]:
    """Count the artifacts that runs, and the activities in them, used and generated: those in memory, or the others."""
    counts: Counter[int] = Counter()
    for activity, artifact, verb in (("effect", "cause", Verb.USED), ("cause", "effect", Verb.GENERATED)):
        query = _TOUCHED.format(activity=activity, artifact=artifact, verb=int(verb), is_kind=is_kind)
        counts.update({run: count for run, count in read(connection, query, runs, ID)})
    return counts


def _attribute(connection: Connection, runs: Sequence[int], name: str) -> Mapping[int, str]:
    """Return an attribute of the runs that have it."""
    return {run: value for run, value in read(connection, _ATTRIBUTE, runs, ID, more=(name,))}
