"""What feedback needs from a broker."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Protocol

from handrail.feedback.domain.messages import Message


class MessageStream(Protocol):
    """The messages of a stream that one consumer of a group gets.

    Every message comes at least once: one that was taken and not acknowledged comes again, to this consumer or to
    another one of its group, also after the one that took it is gone.
    """

    @abstractmethod
    def take(self, most: int, wait_s: float) -> Sequence[Message]:
        """Return up to so many messages, oldest first; if there is none, wait so long for the first, then return none.

        What a consumer took that is gone comes before what nobody took.

        Raises:
            Unavailable: the broker is not there (any more); the next call looks for it again.
            Misconfigured: it does not let us in, or has no such stream.
        """

    @abstractmethod
    def acknowledge(self, messages: Sequence[Message]) -> None:
        """Let messages not come again; doing so twice changes nothing.

        Raises:
            Unavailable: the broker is not there (any more); some may come again.
        """

    @abstractmethod
    def close(self) -> None:
        """Leave the group; what was taken and not acknowledged comes again."""


class StreamWriter(Protocol):
    """Writes messages into a stream."""

    @abstractmethod
    def write(self, bodies: Sequence[bytes], headers: Mapping[str, str]) -> None:
        """Write bodies as messages, in order, all with these headers; return once the broker has every one of them.

        Raises:
            Unavailable: the broker is not there (any more), and some may be written; the next call looks for it again.
            Misconfigured: it does not let us in, or has no such stream.
        """

    @abstractmethod
    def close(self) -> None:
        """Leave the broker."""
