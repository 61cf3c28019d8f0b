"""Counts the copies of the edges in memory, and stores the edges that are newer than a copy.

The epoch moves only when a copy is taken, never when something is recorded, so that it says nothing about the order.
"""

from __future__ import annotations

from collections.abc import Iterable

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from handrail.lineage.adapters.sql.tables import epoch, recent_edge
from handrail.storage.bulk import fetch, insert, insert_new

ONLY = 1
KEPT_EPOCHS = 2


def current_epoch(connection: Connection) -> int:
    """Return the number of copies that were taken."""
    return connection.execute(sa.select(epoch.c.epoch)).scalar() or 0


def begin_epoch(connection: Connection) -> int:
    """Count one more copy and return its number; what is recorded from now on counts as newer than it.

    Newer edges of the two latest copies are stored, those of earlier ones are deleted.
    """
    number = current_epoch(connection) + 1
    connection.execute(insert_new(connection, epoch), {"id": ONLY, "epoch": number})
    connection.execute(epoch.update().values(epoch=number))
    connection.execute(recent_edge.delete().where(recent_edge.c.epoch <= number - KEPT_EPOCHS))
    return number


def forget_copies(connection: Connection) -> None:
    """Make every copy unusable: an edge that they may have was taken back."""
    connection.execute(epoch.update().values(epoch=epoch.c.epoch + KEPT_EPOCHS))


def keep_recent(connection: Connection, edges: Iterable[tuple[int, int]]) -> None:
    """Store new edges (effect, cause) as newer than the last copy; if there is none, they will be in the first."""
    for (number,) in fetch(connection, "select epoch from lineage_epoch"):
        insert(connection, recent_edge, [(number, effect, cause) for effect, cause in sorted(set(edges))])


def is_usable(connection: Connection, number: int) -> bool:
    """Return whether all edges newer than a copy are still stored."""
    return number > current_epoch(connection) - KEPT_EPOCHS


def recent(connection: Connection, number: int) -> list[tuple[int, int]]:
    """Return the edges (effect, cause) newer than a copy, perhaps with a few that it has already."""
    found = connection.execute(
        sa.select(recent_edge.c.effect, recent_edge.c.cause).where(recent_edge.c.epoch >= number)
    )
    return [(row.effect, row.cause) for row in found]


def count_recent(connection: Connection, number: int) -> int:
    """Return how many edges are newer than a copy. None is ever deleted, so an equal number is an equal set."""
    found = connection.execute(sa.select(sa.func.count()).where(recent_edge.c.epoch >= number))
    return int(found.scalar() or 0)
