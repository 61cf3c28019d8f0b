"""What comes over a broker."""

from __future__ import annotations

from abc import abstractmethod
from typing import Protocol


class Message(Protocol):
    """One message of a broker: its bytes, and its place there if the broker has a name for it that stays."""

    @property
    @abstractmethod
    def content(self) -> bytes:
        """The body."""

    @property
    @abstractmethod
    def place(self) -> str:
        """The same each time this message comes, and of no other; empty where a broker has none."""
