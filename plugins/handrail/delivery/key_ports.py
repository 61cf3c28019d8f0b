"""Where the keys of callers are kept. The docstrings state the promise that an adapter keeps."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from handrail.delivery.domain.keys import ServingKey
from handrail.delivery.domain.slots import Slot


class KeyBook(Protocol):
    """Keys with the hashes of their texts; no text is ever kept. Every method may raise `Unavailable`."""

    @abstractmethod
    def add(self, key: ServingKey) -> None:
        """Keep a key, durably.

        Raises:
            Conflict: there is one with that id.
        """

    @abstractmethod
    def keys(self, slot: Slot, standing_at: datetime | None = None) -> Sequence[ServingKey]:
        """Return the keys of a slot in the order of name, time and id; only those that stand at a moment, if given."""

    @abstractmethod
    def revoke(self, slot: Slot, key_id: str, at: datetime, by: str) -> bool:
        """Let a key of a slot open nothing any more, durably; return whether it did until now, revoked by nobody."""
