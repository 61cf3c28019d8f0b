"""Everything that a lineage store holds, in words, so that two stores can be compared."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_NODES = "select uri, role, kind, started, ended from lineage_node"
_ATTRIBUTES = "select n.uri, a.name, a.value from lineage_attribute a join lineage_node n on n.id = a.node"
_STATEMENTS = """
    select e.uri, s.verb, c.uri, s.asserted_by, s.effect_digest, s.cause_digest from lineage_statement s
    join lineage_node e on e.id = s.effect join lineage_node c on c.id = s.cause"""
_POINTERS = 'select name, target, "by" from lineage_pointer order by "at"'


@dataclass(frozen=True)
class Rows:
    """Nodes, attributes and statements as sets; pointers in their order."""

    nodes: frozenset[tuple[Any, ...]]
    attributes: frozenset[tuple[Any, ...]]
    statements: frozenset[tuple[Any, ...]]
    pointers: tuple[tuple[Any, ...], ...]

    def attributes_of(self, uri):
        return {name: value for owner, name, value in self.attributes if owner == uri}

    def causes_of(self, uri):
        return {cause for effect, _, cause, *_ in self.statements if effect == uri}


def rows_of(home: Path) -> Rows:
    """Read the store below a home folder."""
    with sqlite3.connect(home / "handrail.db") as connection:
        found = [connection.execute(query).fetchall() for query in (_NODES, _ATTRIBUTES, _STATEMENTS, _POINTERS)]
    nodes, attributes, statements, pointers = found
    return Rows(frozenset(nodes), frozenset(attributes), frozenset(statements), tuple(pointers))
