"""Keys of callers in SQL: hashes, never a key."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from handrail.delivery.domain.keys import Right, ServingKey
from handrail.delivery.domain.slots import Slot
from handrail.delivery.key_ports import KeyBook
from handrail.errors import Conflict
from handrail.storage import Store

MIGRATIONS = Path(__file__).parent / "key_migrations"

_TIMES = ("made_at", "expires_at", "revoked_at")
_NAMES = ("key_id", "pointer", "name", "digest", "rights", "made_by", "revoked_by", *_TIMES)
_keys = sa.table("delivery_key", *(sa.column(name) for name in _NAMES))


class SqlKeys(KeyBook):
    """One row a key; times are ISO 8601 in UTC, so that they sort as text."""

    def __init__(self, store: Store) -> None:
        """Work in `store`, whose tables exist."""
        self._store = store

    def add(self, key: ServingKey) -> None:
        """Insert a row."""
        row = {name: getattr(key, name) for name in _NAMES if name != "rights"}
        row |= {name: _text(getattr(key, name)) for name in _TIMES}
        row["rights"] = " ".join(sorted(key.rights))
        try:
            with self._store.write() as connection:
                connection.execute(sa.insert(_keys), row)
        except sa.exc.IntegrityError as err:
            raise Conflict("key", key.key_id, "Make another one.") from err

    def keys(self, slot: Slot, standing_at: datetime | None = None) -> Sequence[ServingKey]:
        """Select the rows. Rights that this release does not know are left out, and so is a row without its times."""
        wanted = sa.select(_keys).where(_keys.c.pointer == slot.pointer)
        if standing_at is not None:
            lives_on = sa.or_(_keys.c.expires_at.is_(None), _keys.c.expires_at > _text(standing_at))
            wanted = wanted.where(_keys.c.revoked_at.is_(None), lives_on)
        with self._store.read() as connection:
            rows = connection.execute(wanted).all()
        # Databases sort text by rules of their own.
        return sorted(_known(rows), key=lambda key: (key.name, key.made_at, key.key_id))

    def revoke(self, slot: Slot, key_id: str, at: datetime, by: str) -> bool:
        """Update the row, unless it is revoked."""
        stands = _keys.c.key_id == key_id, _keys.c.pointer == slot.pointer, _keys.c.revoked_at.is_(None)
        with self._store.write() as connection:
            changed = connection.execute(
                sa.update(_keys).where(*stands).values(revoked_at=_text(at), revoked_by=by)
            ).rowcount
        return bool(changed)


def _known(rows: Sequence[Any]) -> Iterator[ServingKey]:
    # One row that nobody can read must not close the service to all others, nor keep a revoked key open.
    for row in rows:
        try:
            yield _key(row)
        except ValueError:
            continue


def _key(row: Any) -> ServingKey:
    values = {name: getattr(row, name) for name in _NAMES}
    values |= {name: datetime.fromisoformat(values[name]) if values[name] else None for name in _TIMES}
    values["rights"] = frozenset(right for right in Right if right in row.rights.split())
    return ServingKey(**values)


def _text(moment: datetime | None) -> str | None:
    return moment.astimezone(UTC).isoformat(timespec="microseconds") if moment else None
