"""Who said what. The docstring states the promise that an adapter keeps."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from typing import Protocol

from handrail.feedback.domain.material import Mark


class EventSources(Protocol):
    """The source of each event of the log."""

    @abstractmethod
    def named(self, kind: str, upto: Mark) -> Iterator[tuple[str, str]]:
        """Yield id and source of each event of a kind at or below the mark, each once, in any order."""
