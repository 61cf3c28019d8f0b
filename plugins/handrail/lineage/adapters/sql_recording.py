"""One transaction of recording: unite nodes and statements with what is held, prove hops, refuse cycles."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from handrail.errors import Conflict
from handrail.lineage.adapters.sql_epochs import keep_recent
from handrail.lineage.adapters.sql_proof import prove
from handrail.lineage.adapters.tables import (
    attribute,
    chunks,
    digest,
    edge,
    insert_missing,
    node,
    node_id,
    statement,
    to_moment,
    to_text,
)
from handrail.lineage.domain import CycleRefused, Facts, NodeFact, Role, RoleConflict, Statement, Verb, find_path

LOCK = "select pg_advisory_xact_lock(hashtext('handrail.lineage.record'))"
EdgeKey = tuple[int, int, int]


def record(connection: Connection, facts: Facts) -> bool:
    """Unite `facts` with what is held, inside the transaction of `connection`; tell whether anything was new.

    Raises:
        CycleRefused: an effect would become its own cause.
        RoleConflict: a URI is held in another role.
    """
    lock(connection)
    nodes_changed = _unite_nodes(connection, _merged(facts.nodes))
    new = _new_statements(connection, facts.statements)
    if not new:
        return nodes_changed
    edges = _add_edges(connection, new)
    insert_missing(connection, statement, [_row(each) for each in new])
    _claim_digests(connection, new)
    prove(connection, new)
    _refuse_cycles(connection, edges)
    return True


def lock(connection: Connection) -> None:
    """Let one transaction at a time record, as on SQLite: two halves of a cycle must not pass. Safe to repeat."""
    if connection.dialect.name == "postgresql":
        connection.execute(sa.text(LOCK))


def _merged(nodes: Iterable[NodeFact]) -> dict[str, NodeFact]:
    merged: dict[str, NodeFact] = {}
    for fact in sorted(nodes, key=lambda fact: (fact.uri, fact.role, fact.kind)):
        held = merged.get(fact.uri)
        merged[fact.uri] = _unite(held, fact) if held else fact
    return merged


def _unite(held: NodeFact, given: NodeFact) -> NodeFact:
    """Return both facts as one. Commutative, associative and idempotent, hence free of order."""
    if held.role is not given.role:
        raise RoleConflict(held.uri, held.role.word, given.role.word)
    return replace(
        held,
        kind=min(held.kind, given.kind),
        attributes=held.attributes | given.attributes,
        started=min(filter(None, (held.started, given.started)), default=None),
        ended=max(filter(None, (held.ended, given.ended)), default=None),
    )


def _unite_nodes(connection: Connection, given: dict[str, NodeFact]) -> bool:
    ids = {node_id(uri): uri for uri in given}
    held: dict[str, NodeFact] = {}
    for part in chunks(list(ids)):
        for row in connection.execute(sa.select(node).where(node.c.id.in_(part))):
            if row.uri != ids[row.id]:
                raise Conflict("node id", str(row.id), f"{row.uri!r} and {ids[row.id]!r} share it; rename one.")
            held[row.uri] = NodeFact(
                row.uri,
                Role(row.role),
                row.kind,
                started=to_moment(row.started),
                ended=to_moment(row.ended),
            )
    changed = insert_missing(connection, node, [_node_row(fact) for uri, fact in given.items() if uri not in held])
    for uri, before in held.items():
        after = _unite(before, given[uri])
        if _node_row(after) != _node_row(before):
            connection.execute(node.update().where(node.c.id == node_id(uri)).values(_node_row(after)))
            changed += 1
    rows = [
        {"node": node_id(fact.uri), "name": name, "value": value}
        for fact in given.values()
        for name, value in sorted(fact.attributes)
    ]
    return changed + insert_missing(connection, attribute, rows) > 0


def _node_row(fact: NodeFact) -> dict[str, Any]:
    return {
        "id": node_id(fact.uri),
        "uri": fact.uri,
        "role": int(fact.role),
        "kind": fact.kind,
        "started": to_text(fact.started),
        "ended": to_text(fact.ended),
    }


def _row(each: Statement) -> dict[str, Any]:
    return {
        "effect": node_id(each.effect),
        "cause": node_id(each.cause),
        "verb": int(each.verb),
        "asserted_by": each.asserted_by,
        "effect_digest": each.effect_digest,
        "cause_digest": each.cause_digest,
        "agreed": each.agreed,
    }


def _new_statements(connection: Connection, given: Iterable[Statement]) -> list[Statement]:
    wanted = {tuple(_row(each).values()): each for each in given}
    effects = sorted({row[0] for row in wanted})
    held = {
        tuple(row)
        for part in chunks(effects)
        for row in connection.execute(sa.select(statement).where(statement.c.effect.in_(part)))
    }
    return [wanted[row] for row in sorted(wanted.keys() - held)]


def _add_edges(connection: Connection, new: Sequence[Statement]) -> list[Statement]:
    """Add the edges of new statements and return one statement for each edge that was not there."""
    wanted: dict[EdgeKey, Statement] = {
        (node_id(each.effect), node_id(each.cause), int(each.verb)): each for each in new
    }
    held = {
        tuple(row)
        for part in chunks(sorted({key[0] for key in wanted}))
        for row in connection.execute(
            sa.select(edge.c.effect, edge.c.cause, edge.c.verb).where(edge.c.effect.in_(part))
        )
    }
    keys = sorted(wanted.keys() - held)
    rows = [{"effect": effect, "cause": cause, "verb": verb, "proven": False} for effect, cause, verb in keys]
    insert_missing(connection, edge, rows)
    keep_recent(connection, [key[:2] for key in keys])
    return [wanted[key] for key in keys]


def _claim_digests(connection: Connection, new: Sequence[Statement]) -> None:
    """Keep each digest claimed for a node; the first of an algorithm stands."""
    claims = sorted({claim for each in new for claim in _claims(each)})
    ids = sorted({claim[0] for claim in claims})
    held = {
        (row.node, row.algorithm)
        for part in chunks(ids)
        for row in connection.execute(sa.select(digest.c.node, digest.c.algorithm).where(digest.c.node.in_(part)))
    }
    rows = []
    for claimed, value in claims:
        algorithm = value.partition(":")[0]
        standing = (claimed, algorithm) not in held
        held.add((claimed, algorithm))
        rows.append({"node": claimed, "digest": value, "algorithm": algorithm, "standing": standing})
    insert_missing(connection, digest, rows)


def _claims(each: Statement) -> Iterable[tuple[int, str]]:
    if each.effect_digest:
        yield node_id(each.effect), each.effect_digest
    if each.cause_digest:
        yield node_id(each.cause), each.cause_digest


def _refuse_cycles(connection: Connection, new: Sequence[Statement]) -> None:
    """Look from each new edge's effect for its cause: what came of something is mostly little, and often nothing."""
    by_effect: dict[str, list[Statement]] = defaultdict(list)
    for each in new:
        by_effect[each.effect].append(each)
    for effect, statements in sorted(by_effect.items()):
        causes = {node_id(each.cause): each for each in statements}
        for part in chunks(list(causes)):
            closing = connection.execute(
                sa.text(_REACHES).bindparams(sa.bindparam("causes", expanding=True)),
                {"effect": node_id(effect), "causes": list(part)},
            ).scalar()
            if closing is not None:
                raise CycleRefused(_circle(connection, causes[closing]))


_REACHES = """
with recursive down(id) as (
    select cast(:effect as bigint) union select e.effect from down join lineage_edge e on e.cause = down.id
)
select id from down where id in :causes limit 1
"""

_REACHED_EDGES = """
with recursive down(id) as (
    select cast(:effect as bigint) union select e.effect from down join lineage_edge e on e.cause = down.id
)
select e.effect, e.cause, e.verb from down join lineage_edge e on e.cause = down.id
"""


def _circle(connection: Connection, closing: Statement) -> list[str]:
    """Return the edges of a circle in words: the new one, then those by which its effect led to its cause."""
    rows = connection.execute(sa.text(_REACHED_EDGES), {"effect": node_id(closing.effect)}).all()
    uris: dict[int, str] = {}
    for part in chunks(sorted({value for row in rows for value in row[:2]})):
        uris |= {row.id: row.uri for row in connection.execute(sa.select(node).where(node.c.id.in_(part)))}
    verbs = {(uris[row.effect], uris[row.cause]): Verb(row.verb) for row in rows}
    effects: dict[str, list[str]] = defaultdict(list)
    for effect, cause in sorted(verbs):
        effects[cause].append(effect)
    path = find_path(closing.effect, closing.cause, effects)
    return [closing.sentence] + [
        Statement(effect, cause, verbs[effect, cause], "").sentence
        for cause, effect in zip(path, path[1:], strict=False)
    ]
