"""Where findings are kept. The docstring states the promise that an adapter keeps."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Protocol

from handrail.approvals.domain.findings import FindingEvent


class FindingBook(Protocol):
    """Everything that happened to the findings of each model, append-only and durable."""

    @abstractmethod
    def models(self) -> Sequence[str]:
        """Return the models about which there ever was a finding, in order of name."""

    @abstractmethod
    def events(self, model: str) -> Sequence[FindingEvent]:
        """Return what happened to the findings of a model, oldest first.

        Raises:
            LogMismatch: what is stored is not what was logged.
        """

    @abstractmethod
    def append(self, model: str, known: int, event: FindingEvent) -> None:
        """Store one more event after the `known` ones that there are, durably, together with its leaf of the log.

        Raises:
            MovedMeanwhile: there are others by now; nothing was stored.
        """
