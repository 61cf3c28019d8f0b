"""The records of swaps. The docstrings state the promise that an adapter keeps."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Protocol

from handrail.delivery.domain.slots import Slot
from handrail.delivery.domain.swaps import Swap


class Swaps(Protocol):
    """What became of each deployment of a slot; nothing is ever altered."""

    @abstractmethod
    def last(self, slot: Slot, most: int) -> Sequence[Swap]:
        """Return the last records of a slot, the newest first."""

    @abstractmethod
    def append(self, swap: Swap) -> None:
        """Keep a record."""
