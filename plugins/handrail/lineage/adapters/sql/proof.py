"""Which hops are proven: the digest that the maker of an artifact states equals that of its user.

Or the asserter compared both sides itself (`agreed`). Statements are never taken back, so a proven hop stays proven,
and whether it is depends on the set of statements alone.
"""

from __future__ import annotations

from collections.abc import Sequence, Set

from sqlalchemy.engine import Connection

from handrail.lineage.adapters.sql.tables import StatementRow
from handrail.lineage.domain.vocabulary import Verb
from handrail.storage.bulk import ID, TEXT, read, repeat

Claim = tuple[int, str]
"""An artifact's id and a digest of it."""
EdgeKey = tuple[int, int, int]
# The indices leave out statements without a digest; without the last condition they could not be used.
_MADE = "lineage_statement s where s.effect = g.a and s.effect_digest = g.b and s.effect_digest <> ''"
_TAKEN = "lineage_statement s where s.cause = g.a and s.cause_digest = g.b and s.cause_digest <> ''"
_UNPROVEN = """
select s.effect, s.cause, s.verb from {{given}} cross join {statements}
and exists (select 1 from lineage_edge e
    where e.effect = s.effect and e.cause = s.cause and e.verb = s.verb and e.proven = false)
"""
_HAS_MAKER = f"select g.a, g.b from {{given}} where exists (select 1 from {_MADE})"
_HAS_TAKER = f"select g.a, g.b from {{given}} where exists (select 1 from {_TAKEN})"
_MAKERS = _UNPROVEN.format(statements=f"{_MADE} and s.verb = {int(Verb.GENERATED)}")
_TAKERS = _UNPROVEN.format(statements=f"{_TAKEN} and s.verb <> {int(Verb.GENERATED)}")
_MARK = "update lineage_edge set proven = true where effect = {p} and cause = {p} and verb = {p}"


def prove(connection: Connection, new: Sequence[StatementRow]) -> None:
    """Mark the edges that new statements, already stored, prove on both sides of their artifacts."""
    keys = {each.edge for each in new if each.agreed} | _matching(connection, new)
    if keys:
        repeat(connection, _MARK, sorted(keys))


def _matching(connection: Connection, new: Sequence[StatementRow]) -> set[EdgeKey]:
    made = {(each.effect, each.effect_digest) for each in new if each.effect_digest}
    taken = {(each.cause, each.cause_digest) for each in new if each.cause_digest}
    matching = (made | _claims(connection, _HAS_MAKER, taken - made)) & (
        taken | _claims(connection, _HAS_TAKER, made - taken)
    )
    # Earlier takers are marked already unless the maker is new; an artifact may have very many takers.
    return (
        {each.edge for each in new if (each.cause, each.cause_digest) in matching and each.verb != Verb.GENERATED}
        | _edges(connection, _TAKERS, matching & made)
        | _edges(connection, _MAKERS, matching)
    )


def _claims(connection: Connection, query: str, claims: Set[Claim]) -> set[Claim]:
    return {(row[0], row[1]) for row in read(connection, query, sorted(claims), ID, TEXT)}


def _edges(connection: Connection, query: str, claims: Set[Claim]) -> set[EdgeKey]:
    return {(row[0], row[1], row[2]) for row in read(connection, query, sorted(claims), ID, TEXT)}
