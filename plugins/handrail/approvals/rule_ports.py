"""Where the texts of policies and roles come from. What they mean is read elsewhere."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class RuleText:
    """A text that people wrote, and what messages call the place where it stands."""

    place: str
    content: str


class RuleTexts(Protocol):
    """The texts of policies and roles as they stand at this moment; a changed one counts at the next call."""

    @abstractmethod
    def names(self) -> Sequence[str]:
        """Return the name of each policy, in order. One that is listed may still be unreadable."""

    @abstractmethod
    def policy(self, name: str) -> RuleText:
        """Return the text of a policy of `names`.

        Raises:
            Misconfigured: it is gone by now, or cannot be read.
        """

    @abstractmethod
    def roles(self) -> RuleText:
        """Return the text that says who is who.

        Raises:
            Misconfigured: it is missing, or cannot be read.
        """

    @abstractmethod
    def place(self) -> str:
        """Return what messages call the place of all policies."""

    @abstractmethod
    def strays(self) -> Sequence[str]:
        """Return, in order, what lies among the policies and is not read as one; nothing may be taken for a policy."""
