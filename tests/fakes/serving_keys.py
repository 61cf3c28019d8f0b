"""The keys of callers in memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from threading import Event

from handrail.delivery import ServingKey, Slot
from handrail.delivery.key_ports import KeyBook
from handrail.errors import Conflict, Unavailable


class KeysInMemory(KeyBook):
    """Keys in a dictionary; `away` lets every call fail, `slow_s` delays those that read, `reads` counts them."""

    def __init__(self) -> None:
        self.kept: dict[str, ServingKey] = {}
        self.away, self.reads, self.slow_s = False, 0, 0.0

    def add(self, key: ServingKey) -> None:
        self._reach()
        if key.key_id in self.kept:
            raise Conflict("key", key.key_id, "Make another one.")
        self.kept[key.key_id] = key

    def keys(self, slot: Slot, standing_at: datetime | None = None) -> Sequence[ServingKey]:
        self.reads += 1
        Event().wait(self.slow_s)
        self._reach()
        found = [key for key in self.kept.values() if key.pointer == slot.pointer]
        standing = [key for key in found if standing_at is None or key.stands(standing_at)]
        return sorted(standing, key=lambda key: (key.name, key.made_at, key.key_id))

    def revoke(self, slot: Slot, key_id: str, at: datetime, by: str) -> bool:
        self._reach()
        key = self.kept.get(key_id)
        if key is None or key.pointer != slot.pointer or key.revoked_at is not None:
            return False
        self.kept[key_id] = replace(key, revoked_at=at, revoked_by=by)
        return True

    def _reach(self) -> None:
        if self.away:
            raise Unavailable("The store", "it cannot be reached", "Start it.")
