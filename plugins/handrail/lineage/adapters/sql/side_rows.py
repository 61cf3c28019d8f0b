"""Checks the rows of lineage that follow from no event: moves of names, tokens, and the edges newer than a copy."""

from __future__ import annotations

from collections.abc import Iterator

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from handrail.lineage.adapters.sql.epochs import ONLY
from handrail.lineage.adapters.sql.tables import digest_row, edge, epoch, node, pointer, recent_edge, token, token_texts
from handrail.lineage.domain.flaws import Flaw
from handrail.storage import Store

_OTHER_THAN_PERMITTED = """
select p.name, 'since ' || p."at" || ' it points at ' || p.target || ', and ' || p."by" || ' permits something else'
from lineage_pointer p join lineage_node n on n.uri = p."by" join lineage_node t on t.uri = p.target
where n.kind = 'permit' and exists (select 1 from lineage_edge e where e.effect = n.id)
and not exists (select 1 from lineage_edge e where e.effect = n.id and e.cause = t.id)
"""


def altered_rows(store: Store) -> tuple[Flaw, ...]:
    """Return a flaw for each move, token and newer edge that cannot have been recorded as it is."""
    with store.read() as connection:
        return (*_moves(connection), *_tokens(connection), *_newer_edges(connection))


def _moves(connection: Connection) -> Iterator[Flaw]:
    for row in connection.execute(sa.select(pointer)):
        if row.row_digest != digest_row((row.name, row.at, row.target, row.by)):
            yield Flaw("changed-pointer", row.name, f"its move at {row.at} is not the one that was recorded")
    for name, detail in connection.execute(sa.text(_OTHER_THAN_PERMITTED)):
        yield Flaw("pointer-other-than-permitted", name, detail)


def _tokens(connection: Connection) -> Iterator[Flaw]:
    for row in connection.execute(sa.select(token)):
        if row.row_digest != digest_row(token_texts(tuple(row)[:-1])):
            yield Flaw("changed-token", f"token {row.name}", "its holder, hash, time or scope is not the recorded one")


def _newer_edges(connection: Connection) -> Iterator[Flaw]:
    counters = connection.execute(sa.select(epoch)).all()
    newest = max((row.epoch for row in counters), default=0)
    if any(row.id != ONLY for row in counters):
        yield Flaw("changed-copy", "lineage_epoch", "it has another row than the counter of copies")
    known = {(row.effect, row.cause) for row in connection.execute(sa.select(edge.c.effect, edge.c.cause))}
    known |= {(one, one) for one in connection.execute(sa.select(node.c.id)).scalars()}
    for row in connection.execute(sa.select(recent_edge)):
        if (row.effect, row.cause) not in known or row.epoch > newest:
            yield Flaw("changed-copy", f"node {row.effect}", "an edge that is newer than a copy is not in the graph")
