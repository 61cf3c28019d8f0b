"""Reads facts back as they were recorded: whole attributes, and each statement with its digests and who made it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping

from sqlalchemy.engine import Connection

from handrail.lineage.adapters.sql.tables import StatementRow, node_id, read_node_rows, to_moment
from handrail.lineage.adapters.sql.walks import ATTRIBUTES
from handrail.lineage.domain.facts import Facts, NodeFact, Statement
from handrail.lineage.domain.vocabulary import Role, Verb
from handrail.storage.bulk import ID, read

_STATEMENTS = """
select s.effect, s.cause, s.verb, s.asserted_by, s.effect_digest, s.cause_digest, s.agreed
from {given} cross join lineage_statement s where s.effect = g.a
"""


def read_facts(connection: Connection, uris: Iterable[str]) -> Facts:
    """Return what is stored about nodes and the hops between them; unknown ones are left out."""
    ids = sorted({node_id(uri) for uri in uris})
    attributes: dict[int, set[tuple[str, str]]] = defaultdict(set)
    for one, name, value in read(connection, ATTRIBUTES, ids, ID):
        attributes[one].add((name, value))
    nodes = {
        row.id: NodeFact(
            row.uri,
            Role(row.role),
            row.kind,
            frozenset(attributes[row.id]),
            to_moment(row.started),
            to_moment(row.ended),
        )
        for row in read_node_rows(connection, ids)
    }
    rows = [StatementRow(*row) for row in read(connection, _STATEMENTS, ids, ID)]
    statements = {_statement(row, nodes) for row in rows if row.effect in nodes and row.cause in nodes}
    return Facts(frozenset(nodes.values()), frozenset(statements))


def _statement(row: StatementRow, nodes: Mapping[int, NodeFact]) -> Statement:
    return Statement(
        nodes[row.effect].uri,
        nodes[row.cause].uri,
        Verb(row.verb),
        row.asserted_by,
        row.effect_digest,
        row.cause_digest,
        row.agreed,
    )
