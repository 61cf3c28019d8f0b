"""One transaction of recording: unite nodes and statements with what is stored, refuse circles, prove hops."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Set
from typing import Any

from sqlalchemy.engine import Connection

from handrail.errors import Conflict
from handrail.lineage.adapters.sql.circles import refuse_circles
from handrail.lineage.adapters.sql.columns import store_columns
from handrail.lineage.adapters.sql.epochs import keep_recent
from handrail.lineage.adapters.sql.left_out import leave_out_circles
from handrail.lineage.adapters.sql.proof import prove
from handrail.lineage.adapters.sql.tables import (
    NodeRow,
    StatementRow,
    attribute,
    digest,
    edge,
    node,
    node_id,
    read_node_rows,
    statement,
    to_text,
)
from handrail.lineage.domain.errors import RoleConflict
from handrail.lineage.domain.facts import Facts, NodeFact, Statement
from handrail.lineage.domain.vocabulary import Role
from handrail.storage.bulk import ID, fetch, insert, read

LOCK = "select pg_advisory_xact_lock(hashtext('handrail.lineage.record'))"
EdgeKey = tuple[int, int, int]
_STATEMENTS = """
select s.effect, s.cause, s.verb, s.asserted_by, s.effect_digest, s.cause_digest, s.agreed
from {given} cross join lineage_statement s where s.effect = g.a and s.cause = g.b
"""
_ALGORITHMS = "select distinct d.node, d.algorithm from {given} cross join lineage_digest d where d.node = g.a"
_WIDEN = "(id) do update set kind = excluded.kind, started = excluded.started, ended = excluded.ended"


def lock(connection: Connection) -> None:
    """Let one transaction at a time record, as on SQLite: two halves of a circle must not pass."""
    if connection.dialect.name == "postgresql":
        fetch(connection, LOCK)


def record(connection: Connection, facts: Facts, *, leaving_out: bool = False) -> bool:
    """Unite `facts` with what is stored and return whether anything was new.

    Call `lock` on `connection` before. With `leaving_out` edges that would close a circle are left out, and are
    attributes of their nodes.

    Raises:
        CycleRefused: an effect would become its own cause.
        RoleConflict: a URI is stored in another role.
    """
    new_nodes, is_changed = _unite_nodes(connection, facts.nodes)
    is_changed |= bool(facts.columns) and store_columns(connection, facts.columns) > 0
    new, new_edges = _new_statements(connection, facts.statements, new_nodes)
    if not new:
        return is_changed
    if leaving_out:
        left_out = leave_out_circles(connection, new_edges, new_nodes)
        new = [row for row in new if row.edge not in left_out]
        new_edges = {key: each for key, each in new_edges.items() if key not in left_out}
    else:
        refuse_circles(connection, new_edges, new_nodes)
    insert(connection, edge, [(*key, False) for key in new_edges])
    insert(connection, statement, new)
    keep_recent(connection, [key[:2] for key in new_edges])
    _claim_digests(connection, new)
    prove(connection, new)
    return True


def _unite_nodes(connection: Connection, facts: Iterable[NodeFact]) -> tuple[Set[int], bool]:
    """Return the ids of nodes that are new, and whether anything of the nodes is."""
    given = _merged(facts)
    held = {row.id: row for row in read_node_rows(connection, [*given])}
    united = {key: _unite(held[key], row) if key in held else row for key, row in given.items()}
    written = insert(connection, node, [row for key, row in sorted(united.items()) if held.get(key) != row], _WIDEN)
    if renamed := [key for key, row in held.items() if united[key].kind != row.kind]:
        # Copies in memory have kinds as well: an edge from a node to itself means that its kind changed.
        keep_recent(connection, [(key, key) for key in renamed])
    attributes = {(node_id(fact.uri), name, value) for fact in facts for name, value in fact.attributes}
    written += insert(connection, attribute, sorted(attributes))
    return given.keys() - held.keys(), written > 0


def _merged(facts: Iterable[NodeFact]) -> dict[int, NodeRow]:
    merged: dict[int, NodeRow] = {}
    for fact in facts:
        key = node_id(fact.uri)
        row = NodeRow(key, fact.uri, int(fact.role), fact.kind, to_text(fact.started), to_text(fact.ended))
        merged[key] = _unite(merged[key], row) if key in merged else row
    return merged


def _unite(one: NodeRow, other: NodeRow) -> NodeRow:
    """Return what both say. Commutative, associative and idempotent, so the order does not matter."""
    if one == other:
        return one
    if one.uri != other.uri:
        raise Conflict("node id", str(one.id), f"{one.uri!r} and {other.uri!r} share it; rename one.")
    if one.role != other.role:
        raise RoleConflict(one.uri, Role(one.role).word, Role(other.role).word)
    return NodeRow(
        one.id,
        one.uri,
        one.role,
        min(one.kind, other.kind),
        min(filter(None, (one.started, other.started)), default=None),
        max(filter(None, (one.ended, other.ended)), default=None),
    )


def _new_statements(
    connection: Connection, given: Iterable[Statement], new_nodes: Set[int]
) -> tuple[list[StatementRow], Mapping[EdgeKey, Statement]]:
    """Return what is not stored yet: statements, and edges with a statement that makes each."""
    wanted = {_row(each): each for each in given}
    # About a new node nothing can be stored, and most statements are about one.
    pairs = {row[:2] for row in wanted if row.effect not in new_nodes and row.cause not in new_nodes}
    held = {StatementRow(*row) for row in read(connection, _STATEMENTS, sorted(pairs), ID, ID)}
    held_edges = {row.edge for row in held}
    new = sorted(wanted.keys() - held)
    return new, {row.edge: wanted[row] for row in new if row.edge not in held_edges}


def _row(each: Statement) -> StatementRow:
    return StatementRow(
        node_id(each.effect),
        node_id(each.cause),
        int(each.verb),
        each.asserted_by,
        each.effect_digest,
        each.cause_digest,
        each.agreed,
    )


def _claim_digests(connection: Connection, new: Iterable[StatementRow]) -> None:
    """Store each digest claimed for a node; the first of an algorithm is used."""
    claims = {(each.effect, each.effect_digest) for each in new if each.effect_digest}
    claims |= {(each.cause, each.cause_digest) for each in new if each.cause_digest}
    held = {(row[0], row[1]) for row in read(connection, _ALGORITHMS, sorted({claim[0] for claim in claims}), ID)}
    rows: list[tuple[Any, ...]] = []
    for claimed, value in sorted(claims):
        algorithm = value.partition(":")[0]
        rows.append((claimed, value, algorithm, (claimed, algorithm) not in held))
        held.add((claimed, algorithm))
    insert(connection, digest, rows)
