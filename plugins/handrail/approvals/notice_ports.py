"""Where the gate writes for people who look elsewhere. The docstring states the promise that an adapter keeps."""

from __future__ import annotations

from abc import abstractmethod
from typing import Protocol

from handrail.approvals.domain.notices import Notice


class NoticeBoard(Protocol):
    """The pages of registered models and their versions."""

    @abstractmethod
    def put(self, notice: Notice) -> None:
        """Write a notice on its version, and where its alias's history is shown on its model.

        What people wrote stays. A newer notice about the same alias stays too, and so does all that is there already:
        repeating changes nothing.

        Raises:
            UnknownReference: that version is gone.
            Unavailable: the registry cannot be read or written.
        """
