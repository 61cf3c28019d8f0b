"""Which hops are proven: a digest stated by the one who made an artifact equals that of the one who took it.

Or the asserter compared both sides itself (`agreed`). Statements are never taken back, so a proven hop stays proven,
and whether it is depends on the set of statements alone.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from handrail.lineage.adapters.tables import edge, node_id, statement
from handrail.lineage.domain import Statement, Verb

Claim = tuple[int, str]


def prove(connection: Connection, new: Sequence[Statement]) -> None:
    """Mark the edges that new statements prove, on both sides of the artifacts that they speak of."""
    for each in new:
        if each.agreed:
            _mark(connection, _is(each))
    made = {(node_id(each.effect), each.effect_digest) for each in new if each.effect_digest}
    takers: dict[Claim, list[Statement]] = defaultdict(list)
    for each in new:
        if each.cause_digest:
            takers[node_id(each.cause), each.cause_digest].append(each)
    for claim in sorted(made | takers.keys()):
        _meet(connection, claim, newly_made=claim in made, takers=takers.get(claim, ()))


def _meet(connection: Connection, claim: Claim, *, newly_made: bool, takers: Sequence[Statement]) -> None:
    artifact, value = claim
    makes = sa.and_(statement.c.effect == artifact, statement.c.effect_digest == value)
    takes = sa.and_(statement.c.cause == artifact, statement.c.cause_digest == value)
    if not (_any(connection, makes) and _any(connection, takes)):
        return
    # Earlier takers are marked already unless the maker is new; an artifact may have very many takers.
    for each in takers:
        _mark(connection, _is(each))
    if newly_made:
        _mark(connection, sa.and_(edge.c.cause == artifact, _stated(takes)))
    _mark(connection, sa.and_(edge.c.effect == artifact, edge.c.verb == int(Verb.GENERATED), _stated(makes)))


def _any(connection: Connection, condition: sa.ColumnElement[bool]) -> bool:
    return connection.execute(sa.select(statement.c.effect).where(condition).limit(1)).first() is not None


def _is(each: Statement) -> sa.ColumnElement[bool]:
    return sa.and_(
        edge.c.effect == node_id(each.effect), edge.c.cause == node_id(each.cause), edge.c.verb == int(each.verb)
    )


def _stated(condition: sa.ColumnElement[bool]) -> sa.ColumnElement[bool]:
    same = sa.and_(
        statement.c.effect == edge.c.effect, statement.c.cause == edge.c.cause, statement.c.verb == edge.c.verb
    )
    return sa.exists().where(same, condition)


def _mark(connection: Connection, condition: sa.ColumnElement[bool]) -> None:
    connection.execute(edge.update().where(condition, edge.c.proven.is_(False)).values(proven=True))
