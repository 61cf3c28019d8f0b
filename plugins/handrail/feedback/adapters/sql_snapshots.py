"""Manifests of snapshots in SQL."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from handrail.errors import Unavailable
from handrail.feedback.adapters.sql_tables import snapshot
from handrail.feedback.domain.kinds import Kind
from handrail.feedback.domain.material import Mark, Scope
from handrail.feedback.domain.snapshots import Format, Snapshot
from handrail.feedback.domain.values import MICROSECOND
from handrail.feedback.ports import SnapshotBook
from handrail.storage import Store
from handrail.storage.bulk import insert_new

MOMENTS = ("start", "end", "as_of")
SPANS = ("maturity_window", "clock_skew", "late_after")


class SqlSnapshots(SnapshotBook):
    """Manifests of snapshots in SQL."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def save(self, taken: Snapshot) -> Snapshot:
        """Keep the manifest and return it; if its digest is kept already, return that older one."""
        with self._store.write() as connection:
            connection.execute(insert_new(connection, snapshot), snapshot_row(taken))
            held = connection.execute(sa.select(snapshot).where(snapshot.c.digest == taken.digest)).one()
        return read_snapshot(held)

    def all(self) -> tuple[Snapshot, ...]:
        """Return every snapshot, sorted by digest."""
        with self._store.read() as connection:
            rows = connection.execute(sa.select(snapshot)).all()
        return tuple(sorted(map(read_snapshot, rows), key=lambda each: each.digest))

    def find(self, digest: str) -> Snapshot | None:
        """Return the snapshot of that digest, or None."""
        with self._store.read() as connection:
            row = connection.execute(sa.select(snapshot).where(snapshot.c.digest == digest)).one_or_none()
        return None if row is None else read_snapshot(row)


def snapshot_row(taken: Snapshot) -> dict[str, Any]:
    """Return the row that a manifest is kept as."""
    scope = asdict(taken.scope) | {name: getattr(taken.scope, name).isoformat() for name in MOMENTS}
    spans = {name: span / MICROSECOND for name in SPANS if (span := getattr(taken.kind, name)) is not None}
    kind = asdict(taken.kind) | spans
    return {
        "digest": taken.digest,
        "scope": json.dumps(scope, sort_keys=True),
        "kind": json.dumps(kind, sort_keys=True),
        "predictions": taken.predictions,
        "events": taken.events,
        "mark_predictions": taken.mark.predictions,
        "mark_events": taken.mark.events,
        "format": int(taken.format),
        "mark_arrivals": taken.mark.arrivals,
    }


def read_snapshot(row: Any) -> Snapshot:
    """Return the manifest that a row holds.

    Raises:
        Unavailable: it is damaged.
    """
    try:
        return _read(row)
    except (ValueError, KeyError, TypeError, AttributeError) as err:
        raise Unavailable(
            f"The snapshot {row.digest}", "its manifest is damaged", "Restore a backup, or take a new snapshot."
        ) from err


def _read(row: Any) -> Snapshot:
    scope = json.loads(row.scope)
    kind = json.loads(row.kind)
    return Snapshot(
        digest=row.digest,
        scope=Scope(**scope | {name: datetime.fromisoformat(scope[name]) for name in MOMENTS}),
        kind=Kind(
            **kind
            | {name: timedelta(microseconds=span) for name in SPANS if (span := kind.get(name)) is not None}
            | {name: tuple(kind[name]) for name in ("values", "sources") if name in kind}
        ),
        predictions=row.predictions,
        events=row.events,
        mark=Mark(row.mark_predictions, row.mark_events, row.mark_arrivals),
        format=Format(row.format),
    )
