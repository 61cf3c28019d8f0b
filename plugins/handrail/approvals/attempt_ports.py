"""What noting refused attempts needs. The docstring states the promise that an adapter keeps."""

from __future__ import annotations

from abc import abstractmethod
from typing import Protocol

from handrail.approvals.domain.attempts import Attempt


class AttemptLog(Protocol):
    """Where refused attempts are kept."""

    @abstractmethod
    def note(self, attempt: Attempt) -> None:
        """Append the attempt's alarm leaf to the log, durably; each call appends one."""
