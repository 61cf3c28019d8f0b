"""The records of turns. The docstrings state the promise that an adapter keeps."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence
from typing import Protocol

from handrail.delivery.domain.turns import Lease, Turn, TurnChange

Decide = Callable[[Sequence[Turn], Lease | None], TurnChange | None]


class TurnBook(Protocol):
    """Who trained, and who holds the one lease on training; shared by processes and machines."""

    @abstractmethod
    def turns(self) -> Sequence[Turn]:
        """Return every turn, the latest first."""

    @abstractmethod
    def change(self, decide: Decide) -> None:
        """Let `decide` see all turns and the lease, and write what it returns; nobody else changes them meanwhile.

        What `decide` raises leaves everything as it was.
        """

    @abstractmethod
    def renew(self, holder: str, lease_s: float) -> bool:
        """Let the holder's lease end so many seconds from now; False if it has ended, even if nobody took it since."""
