"""The records of splits. The docstrings state the promise that an adapter keeps."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Protocol

from handrail.delivery.domain.slots import Slot
from handrail.delivery.domain.splits import Change


class Splits(Protocol):
    """What each slot's traffic was divided into, change by change; nothing is ever altered."""

    @abstractmethod
    def newest(self, slot: Slot) -> Change | None:
        """Return the last change of a slot, None where its champion always answered alone."""

    @abstractmethod
    def changes(self, slot: Slot, most: int) -> Sequence[Change]:
        """Return the last changes of a slot, the newest first."""

    @abstractmethod
    def append(self, change: Change) -> None:
        """Keep a change.

        Raises:
            Conflict: another one took its number meanwhile; nothing was kept.
        """
