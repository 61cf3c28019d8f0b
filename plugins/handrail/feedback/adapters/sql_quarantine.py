"""Rows that were set aside, in SQL: what was sent never changes, what became of it is a row of its own."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from handrail.feedback.adapters.sql_tables import quarantine, quarantine_step, with_digest
from handrail.feedback.domain.quarantine import Held, Reason, Rejected, State, Step, content_of
from handrail.feedback.ports import QuarantineBook
from handrail.storage import Store
from handrail.storage.bulk import insert_new

_later = quarantine_step.alias()
_LAST = sa.select(sa.func.max(_later.c.seq)).where(_later.c.number == quarantine.c.seq).scalar_subquery()
_HELD = sa.select(
    *quarantine.c, *(quarantine_step.c[name].label(f"last_{name}") for name in ("state", "note", "by", "at", "content"))
).join_from(quarantine, quarantine_step, quarantine_step.c.seq == _LAST, isouter=True)


class SqlQuarantine(QuarantineBook):
    """Quarantine in SQL."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def add(self, rows: Sequence[Rejected], at: datetime) -> None:
        """Keep rows durably; the same row for the same reason once."""
        with self._store.write() as connection:
            record_rejected(connection, rows, at)

    def held(self, limit: int, state: State | None, reason: Reason | None) -> tuple[Held, ...]:
        """Return the newest rows, newest first."""
        query = _HELD.order_by(quarantine.c.seq.desc()).limit(limit)
        if state is not None:
            query = query.where(sa.func.coalesce(quarantine_step.c.state, "open") == state)
        if reason is not None:
            query = query.where(quarantine.c.reason == str(reason))
        with self._store.read() as connection:
            return tuple(map(_held, connection.execute(query)))

    def find(self, number: int) -> Held | None:
        """Return the row of that number, or None."""
        with self._store.read() as connection:
            row = connection.execute(_HELD.where(quarantine.c.seq == number)).one_or_none()
        return None if row is None else _held(row)

    def step(self, step: Step) -> None:
        """Keep what became of a row."""
        content = None if step.content is None else json.dumps(step.content, default=str)
        values = {"number": step.number, "state": step.state, "by": step.by, "at": step.at, "note": step.note}
        values = with_digest(quarantine_step, values | {"content": content})
        with self._store.write() as connection:
            connection.execute(sa.insert(quarantine_step), values)


def record_rejected(connection: sa.Connection, rows: Sequence[Rejected], at: datetime) -> None:
    """Set rows aside in the caller's transaction; the same row for the same reason once."""
    if not rows:
        return
    found = [
        with_digest(
            quarantine,
            {
                "what": row.what,
                "identifier": row.identifier,
                "body": row.body_digest(),
                "content": row.text,
                "quarantined_at": at,
                "reason": str(row.reason),
                "field": row.field,
                "problem": row.problem,
                "origin": row.origin,
            },
        )
        for row in rows
    ]
    connection.execute(insert_new(connection, quarantine), found)


def _held(row: Any) -> Held:
    return Held(
        number=row.seq,
        what=row.what,
        identifier=row.identifier,
        reason=Reason(row.reason),
        field=row.field,
        problem=row.problem,
        content=content_of(row.last_content or row.content),
        origin=row.origin,
        quarantined_at=row.quarantined_at,
        state=row.last_state or "open",
        note=row.last_note or "",
        changed_by=row.last_by or "",
        changed_at=row.last_at,
    )
