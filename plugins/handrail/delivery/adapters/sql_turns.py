"""Turns and the lease in SQL. A lease is held against the database's own clock, so machines need not agree on one."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from handrail.delivery.domain.turns import Lease, Turn, TurnChange
from handrail.delivery.turn_ports import Decide, TurnBook
from handrail.storage import Store

MIGRATIONS = Path(__file__).parent / "turn_migrations"
LOCK = "select pg_advisory_xact_lock(hashtext('handrail.delivery.turn'))"
CLOCK = "select extract(epoch from clock_timestamp())"
NAME = "train"

_TEXTS = ("trigger", "asked", "began_at", "attempts", "ended_at", "outcome", "problem")
_turns = sa.table("delivery_turn", sa.column("automatic", sa.Boolean()), *(sa.column(name) for name in _TEXTS))
_OF_LEASE = ("name", "holder", "place", "trigger", "until")
_lease = sa.table("delivery_turn_lease", *(sa.column(name) for name in _OF_LEASE))


class SqlTurns(TurnBook):
    """Turns in Handrail's own store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def turns(self) -> Sequence[Turn]:
        """Read the rows, the latest first."""
        with self._store.read() as connection:
            return _read_turns(connection)

    def change(self, decide: Decide) -> None:
        """Decide and write in one transaction, under a lock."""
        with self._alone() as connection:
            change = decide(_read_turns(connection), _read_lease(connection))
            if change is not None:
                _write(connection, change)

    def renew(self, holder: str, lease_s: float) -> bool:
        """Move the end of the row that is the holder's and has not ended."""
        with self._alone() as connection:
            now = _now(connection)
            ours = (_lease.c.name == NAME) & (_lease.c.holder == holder) & (_lease.c.until > now)
            return connection.execute(sa.update(_lease).where(ours).values(until=now + lease_s)).rowcount == 1

    @contextmanager
    def _alone(self) -> Iterator[Connection]:
        with self._store.write() as connection:
            # SQLite has one writer anyway.
            if connection.dialect.name == "postgresql":
                connection.execute(sa.text(LOCK))
            yield connection


def _write(connection: Connection, change: TurnChange) -> None:
    if change.forget is not None:
        connection.execute(sa.delete(_turns).where(_turns.c.trigger == change.forget))
    if (turn := change.put) is not None:
        ended = turn.ended_at.isoformat() if turn.ended_at else None
        connection.execute(sa.delete(_turns).where(_turns.c.trigger == turn.trigger))
        connection.execute(sa.insert(_turns), asdict(turn) | {"began_at": turn.began_at.isoformat(), "ended_at": ended})
    if change.freed or change.take is not None:
        connection.execute(sa.delete(_lease).where(_lease.c.name == NAME))
    if (lease := change.take) is not None:
        row = {"name": NAME, "holder": lease.holder, "place": lease.place, "trigger": lease.trigger}
        connection.execute(sa.insert(_lease), row | {"until": _now(connection) + lease.left_s})


def _read_turns(connection: Connection) -> list[Turn]:
    rows = connection.execute(sa.select(_turns).order_by(_turns.c.began_at.desc(), _turns.c.trigger)).all()
    return [_turn(row._mapping) for row in rows]


def _read_lease(connection: Connection) -> Lease | None:
    row = connection.execute(sa.select(_lease).where(_lease.c.name == NAME)).one_or_none()
    return Lease(row.holder, row.place, row.trigger, row.until - _now(connection)) if row else None


def _now(connection: Connection) -> float:
    if connection.dialect.name == "postgresql":
        return float(connection.execute(sa.text(CLOCK)).scalar_one())
    return time.time()


def _turn(row: Any) -> Turn:
    ended = row["ended_at"]
    return Turn(
        trigger=row["trigger"],
        automatic=bool(row["automatic"]),
        asked=row["asked"],
        began_at=datetime.fromisoformat(row["began_at"]),
        attempts=row["attempts"],
        ended_at=datetime.fromisoformat(ended) if ended else None,
        outcome=row["outcome"],
        problem=row["problem"],
    )
