"""Stores what the columns of artifacts came from; the id of a row is made from its content."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence

from sqlalchemy.engine import Connection

from handrail.lineage.adapters.sql.tables import column, node_id
from handrail.lineage.domain.facts import ColumnFact
from handrail.storage.bulk import ID, insert, read

_ROWS = """
select n.uri, c."column", m.uri, c.source, c.how, c.asserted_by
from {{given}} cross join lineage_column c cross join lineage_node n cross join lineage_node m
where c.{end} = g.a and n.id = c.effect and m.id = c.cause
"""
_INTO, _OUT_OF = (_ROWS.format(end=end) for end in ("effect", "cause"))


def store_columns(connection: Connection, facts: Iterable[ColumnFact]) -> int:
    """Store facts and return how many are new."""
    return insert(connection, column, sorted({row_of(each) for each in facts}))


def row_of(each: ColumnFact) -> tuple[int, int, str, int, str, str, str]:
    """Return the row of a fact, its id first."""
    key = node_id(json.dumps([each.effect, each.column, each.cause, each.source, each.how, each.asserted_by]))
    return key, node_id(each.effect), each.column, node_id(each.cause), each.source, each.how, each.asserted_by


def columns_into(connection: Connection, ids: Sequence[int]) -> list[ColumnFact]:
    """Return what the columns of these nodes came from."""
    return [ColumnFact(*row) for row in read(connection, _INTO, ids, ID)]


def columns_around(connection: Connection, ids: Sequence[int]) -> list[ColumnFact]:
    """Return what the columns of these nodes came from, and what came from them."""
    found = {*columns_into(connection, ids), *(ColumnFact(*row) for row in read(connection, _OUT_OF, ids, ID))}
    return sorted(
        found, key=lambda each: (each.effect, each.column, each.cause, each.source, each.how, each.asserted_by)
    )
