"""Changes of splits in SQL."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from handrail.delivery.domain.slots import Slot
from handrail.delivery.domain.splits import Challenger, Change, End, Role, Split
from handrail.delivery.split_ports import Splits
from handrail.errors import Conflict
from handrail.storage import Store

MIGRATIONS = Path(__file__).parent / "migrations"

_NAMES = ("slot", "number", "at", "by", "reason", "ended", "end", "split")
_changes = sa.table("delivery_split_change", *(sa.column(name) for name in _NAMES))


class SqlSplits(Splits):
    """Splits in Handrail's own store; a split is one JSON text of its row."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def newest(self, slot: Slot) -> Change | None:
        """Read the row with the highest number."""
        return next(iter(self.changes(slot, 1)), None)

    def changes(self, slot: Slot, most: int) -> Sequence[Change]:
        """Read the rows with the highest numbers."""
        wanted = sa.select(_changes).where(_changes.c.slot == slot.pointer)
        with self._store.read() as connection:
            rows = connection.execute(wanted.order_by(_changes.c.number.desc()).limit(most)).all()
        return [_change(slot, row._mapping) for row in rows]

    def append(self, change: Change) -> None:
        """Insert the row; its number is a part of the key."""
        split = {"salt": change.split.salt, "challengers": [asdict(each) for each in change.split.challengers]}
        row = {
            "slot": change.split.slot.pointer,
            "number": change.number,
            "at": change.at.isoformat(),
            "by": change.by,
            "reason": change.reason,
            "ended": change.ended,
            "end": change.end,
            "split": json.dumps(split),
        }
        try:
            with self._store.write() as connection:
                connection.execute(sa.insert(_changes), row)
        except IntegrityError as err:
            name = f"{change.number} of {change.split.slot.pointer}"
            raise Conflict("change", name, "Somebody changed the split meanwhile: look again.") from err


def _change(slot: Slot, row: Any) -> Change:
    kept = json.loads(row["split"])
    challengers = tuple(Challenger(**{**each, "role": Role(each["role"])}) for each in kept["challengers"])
    return Change(
        number=row["number"],
        split=Split(slot, kept["salt"], challengers),
        at=datetime.fromisoformat(row["at"]),
        by=row["by"],
        reason=row["reason"],
        ended=row["ended"],
        end=End(row["end"]) if row["end"] else None,
    )
