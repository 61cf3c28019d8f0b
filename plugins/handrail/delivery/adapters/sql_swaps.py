"""Records of swaps in SQL."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa

from handrail.delivery.domain.slots import Slot
from handrail.delivery.domain.swaps import Outcome, Swap
from handrail.delivery.swap_ports import Swaps
from handrail.storage import Store

_NAMES = ("id", "slot", "at", "by", "outcome", "deployment", "other", "reason")
_swaps = sa.table("delivery_swap", *(sa.column(name) for name in _NAMES))


class SqlSwaps(Swaps):
    """Records in Handrail's own store, one row each."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def last(self, slot: Slot, most: int) -> Sequence[Swap]:
        """Read the rows that came last."""
        wanted = sa.select(_swaps).where(_swaps.c.slot == slot.pointer).order_by(_swaps.c.id.desc()).limit(most)
        with self._store.read() as connection:
            rows = connection.execute(wanted).all()
        return [
            Swap(
                slot=slot,
                at=datetime.fromisoformat(row.at),
                by=row.by,
                outcome=Outcome(row.outcome),
                deployment=row.deployment,
                other=row.other,
                reason=row.reason,
            )
            for row in rows
        ]

    def append(self, swap: Swap) -> None:
        """Insert a row; the database counts it."""
        row = {
            "slot": swap.slot.pointer,
            "at": swap.at.isoformat(),
            "by": swap.by,
            "outcome": swap.outcome.value,
            "deployment": swap.deployment,
            "other": swap.other,
            "reason": swap.reason,
        }
        with self._store.write() as connection:
            connection.execute(sa.insert(_swaps), row)
