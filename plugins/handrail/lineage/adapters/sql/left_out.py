"""Leaves out edges that would make something its own cause, for events of tools that cannot know of it.

A table without versions is one node for all times, and jobs that merge into a table, or swap two, are daily practice.
Of a circle those edges stay that say what was made: the reads of a run give way to its writes, even stored ones, so
that the order in which the events of a run arrive does not matter. Between runs the first recorded edges stay.
What is left out becomes an attribute of the run.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set

from sqlalchemy.engine import Connection

from handrail.lineage.adapters.sql.circles import EdgeKey, edges_between, find_circles
from handrail.lineage.adapters.sql.epochs import forget_copies
from handrail.lineage.adapters.sql.tables import attribute, node_id
from handrail.lineage.domain.circles import Pair, find_closing
from handrail.lineage.domain.facts import LEFT_OUT, Statement
from handrail.lineage.domain.vocabulary import Verb
from handrail.storage.bulk import ID, insert, read, repeat

_FIRST = (Verb.GENERATED, Verb.ASSOCIATED_WITH, Verb.DERIVED_FROM, Verb.USED)
_TAKE_BACK = tuple(
    f"delete from {table} where effect = {{p}} and cause = {{p}} and verb = {{p}}"
    for table in ("lineage_statement", "lineage_edge")
)
_HELD = f"""
select a.node, a.value from {{given}} cross join lineage_attribute a where a.node = g.a and a.name = '{LEFT_OUT}'
"""


def leave_out_circles(connection: Connection, new: Mapping[EdgeKey, Statement], new_nodes: Set[int]) -> Set[EdgeKey]:
    """Return which of the `new` edges, not stored yet, have to be left out; take back stored reads that give way.

    `new_nodes` have no stored edge. What is left out is stored as attributes.
    """
    circles = find_circles(connection, new, new_nodes)
    if not circles:
        return set()
    asked = {key: each for key, each in new.items() if key[:2] in circles and each.verb in _FIRST}
    asked |= _stored_reads(connection, circles, asked)
    order = sorted(asked, key=lambda key: (_FIRST.index(Verb(key[2])), asked[key].sentence))
    pairs = dict.fromkeys(key[:2] for key in order)
    closing = find_closing(circles - pairs.keys(), pairs)
    left_out = {key for key in asked if key[:2] in closing}
    insert(connection, attribute, sorted((node_id(asked[key].owner), *asked[key].left_out) for key in left_out))
    _take_back(connection, sorted(left_out - new.keys()))
    return left_out & new.keys()


def read_left_out(connection: Connection, owners: Sequence[str]) -> dict[str, list[str]]:
    """Return by URI what was left out of these nodes' edges, as `used s3://lake/orders`."""
    uris = {node_id(uri): uri for uri in owners}
    found: dict[str, list[str]] = {}
    for one, value in read(connection, _HELD, sorted(uris), ID):
        found.setdefault(uris[one], []).append(value)
    return found


def _stored_reads(
    connection: Connection, circles: Set[Pair], new: Mapping[EdgeKey, Statement]
) -> Mapping[EdgeKey, Statement]:
    """Return the stored reads on a circle of the activities that write now, and of the plans that these follow."""
    writers = {cause for _, cause, verb in new if verb == Verb.GENERATED}
    writers |= {cause for effect, cause in circles if effect in writers}
    stored = edges_between(connection, sorted(pair for pair in circles if pair[0] in writers))
    return {key: each for key, each in stored.items() if each.verb is Verb.USED}


def _take_back(connection: Connection, edges: Sequence[EdgeKey]) -> None:
    if edges:
        for statement in _TAKE_BACK:
            repeat(connection, statement, edges)
        forget_copies(connection)
