"""What reviews need beyond `ports`: texts that only their keys open, and the keys."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Protocol


class SealedTexts(Protocol):
    """Keeps texts, each sealed with the key of its owner."""

    @abstractmethod
    def seal(self, texts: Sequence[tuple[str, str]]) -> Sequence[str]:
        """Keep texts durably, each given as (owner, text), and return a commitment to each.

        The same text of the same owner has the same commitment as long as the owner's key is there. Without the key a
        commitment says nothing about the text.

        Raises:
            Unavailable: the store or the disk cannot be used; some texts may be kept, and nothing refers to them.
        """

    @abstractmethod
    def open(self, owner: str, commitment: str) -> str | None:
        """Return a text; None if its key is gone, or it is not what was sealed."""

    @abstractmethod
    def older(self, kind: str, before: datetime) -> int:
        """Return how many texts of a kind are kept that were last received before a moment."""

    @abstractmethod
    def drop_older(self, kind: str, before: datetime) -> int:
        """Remove those, and no key; return how many there were. Nothing can restore them."""

    @abstractmethod
    def destroy(self, owners: Iterable[str]) -> int:
        """Destroy the keys of owners and what they sealed; return how many keys there were. Nothing can restore it."""
