"""Finds by SQL what can be reached from a node: its id first, then the nearest, level by level.

A small closure is one recursive statement. A large one, or one to a depth, is walked a level at a time: each level is
one statement over sorted ids, so that neighbours in the index are read together.
"""

from __future__ import annotations

from sqlalchemy.engine import Connection

from handrail.lineage.domain.graph import Direction
from handrail.storage.bulk import ID, fetch, read

SMALL = 2_000
# `union` forgets rows seen before, so a node is visited once; the limit outside ends the recursion.
_CLOSURE = """
with recursive reached(id) as (
    select cast({p} as bigint)
    union select e.{there} from reached join lineage_edge e on e.{here} = reached.id
)
select id from reached limit {p}
"""
_LEVEL = "select {distinct} e.{there} from {{given}} cross join lineage_edge e where e.{here} = g.a"
ENDS = {
    Direction.CAUSES: {"here": "effect", "there": "cause"},
    Direction.EFFECTS: {"here": "cause", "there": "effect"},
}
# Doubles cost less in the driver than a sorter does in SQLite; over a connection they cost more.
_LEVELS = {
    (dialect, direction): _LEVEL.format(distinct="distinct" if dialect == "postgresql" else "", **ends)
    for dialect in ("sqlite", "postgresql")
    for direction, ends in ENDS.items()
}
_CLOSURES = {
    (dialect, direction): _CLOSURE.format(p=mark, **ends)
    for dialect, mark in (("sqlite", "?"), ("postgresql", "%s"))
    for direction, ends in ENDS.items()
}


def reach(connection: Connection, start: int, direction: Direction, most: int, depth: int | None = None) -> list[int]:
    """Return up to `most` ids that can be reached from `start` in at most `depth` hops."""
    if depth is None:
        few = min(most, SMALL)
        ids = closure(connection, start, direction, few)
        if len(ids) < few or few == most:
            return ids
    return _by_level(connection, start, direction, most, depth)


def closure(connection: Connection, start: int, direction: Direction, most: int) -> list[int]:
    """Return up to `most` ids that can be reached from `start`, by one statement."""
    rows = fetch(connection, _CLOSURES[connection.dialect.name, direction], (start, most))
    return [one for (one,) in rows]


def _by_level(connection: Connection, start: int, direction: Direction, most: int, depth: int | None) -> list[int]:
    sql = _LEVELS[connection.dialect.name, direction]
    found, level, seen = [start], [start], {start}
    while level and len(found) < most and (depth is None or depth > 0):
        beyond = {one for (one,) in read(connection, sql, level, ID)}
        level = sorted(beyond - seen)
        seen.update(level)
        found += level
        depth = None if depth is None else depth - 1
    return found[:most]
