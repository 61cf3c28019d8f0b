"""Reads facts back as they were told: whole attributes, and each statement with its digests and who made it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from handrail.lineage.adapters.sql.tables import attribute, chunks, node, node_id, statement, to_moment
from handrail.lineage.domain import Facts, NodeFact, Role, Statement, Verb


def read_facts(connection: Connection, uris: Iterable[str]) -> Facts:
    """Return what is held of nodes and of the hops between them; unknown ones are left out."""
    ids = sorted({node_id(uri) for uri in uris})
    attributes: dict[int, set[tuple[str, str]]] = defaultdict(set)
    nodes: dict[int, NodeFact] = {}
    statements: set[Statement] = set()
    for part in chunks(ids):
        for row in connection.execute(sa.select(attribute).where(attribute.c.node.in_(part))):
            attributes[row.node].add((row.name, row.value))
        for row in connection.execute(sa.select(node).where(node.c.id.in_(part))):
            told, started, ended = frozenset(attributes[row.id]), to_moment(row.started), to_moment(row.ended)
            nodes[row.id] = NodeFact(row.uri, Role(row.role), row.kind, told, started, ended)
    for part in chunks(ids):
        for row in connection.execute(sa.select(statement).where(statement.c.effect.in_(part))):
            if row.effect in nodes and row.cause in nodes:
                ends = nodes[row.effect].uri, nodes[row.cause].uri, Verb(row.verb), row.asserted_by
                statements.add(Statement(*ends, row.effect_digest, row.cause_digest, row.agreed))
    return Facts(frozenset(nodes.values()), frozenset(statements))
