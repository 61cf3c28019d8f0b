"""Moves the messages of a stream into the log, and goes on by itself when broker or store were away."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from threading import Event

from handrail.errors import MissingTool, Unavailable
from handrail.feedback.domain.messages import Message
from handrail.feedback.domain.values import Receipt
from handrail.feedback.stream_ports import MessageStream

WAIT_S = 1.0
"""How long to wait for a message before looking whether to stop."""
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.2, 5.0

Record = Callable[[Sequence[Message]], Receipt]
"""Records what messages say, durably; what cannot be recorded of them is set aside. Repeating it changes nothing."""


@dataclass(slots=True)
class Consumed:
    """How many messages were acknowledged, and what became of their rows."""

    messages: int = 0
    accepted: int = 0
    repeated: int = 0
    conflicts: int = 0
    refused: int = 0

    def add(self, messages: Sequence[Message], receipt: Receipt) -> None:
        """Count messages that were recorded with that receipt."""
        self.messages += len(messages)
        self.accepted += receipt.accepted
        self.repeated += receipt.repeated
        self.conflicts += len(receipt.conflicts)
        self.refused += len(receipt.refused)


@dataclass(slots=True)
class Consuming:
    """One consumer: take, record, acknowledge.

    Messages are acknowledged once their rows are on the disk, so that a consumer that ends in between loses none;
    that their ids make rows safe to repeat is why none is doubled. `say` is called with a sentence about each outage.
    """

    stream: MessageStream
    record: Record
    say: Callable[[str], None]
    most: int = 500
    stopping: Event = field(default_factory=Event)
    consumed: Consumed = field(default_factory=Consumed, init=False)
    _held: Sequence[Message] = field(default=(), init=False)
    _pause_s: float = field(default=0.0, init=False)

    def run(self, *, once: bool = False) -> Consumed:
        """Record messages until `stopping` is set, or with `once` until the stream has none; return what was done.

        Raises:
            Unavailable: with `once`: broker or store are not there; without, only a package that is missing.
            Misconfigured: the broker does not let us in or has no such stream, or the log cannot be opened.
        """
        while not self.stopping.is_set():
            try:
                self._held = self._held or self.stream.take(self.most, 0.0 if once else WAIT_S)
                if once and not self._held:
                    break
                self._record()
            except MissingTool:
                raise
            except Unavailable as err:
                if once:
                    raise
                self._back_off(err)
            else:
                self._go_on()
        return self.consumed

    def _record(self) -> None:
        if not self._held:
            return
        receipt = self.record(self._held)
        self.stream.acknowledge(self._held)
        self.consumed.add(self._held, receipt)
        self._held = ()

    def _back_off(self, err: Unavailable) -> None:
        if not self._pause_s:
            # What a driver says may have several lines.
            self.say(" ".join(f"{err} Messages stay in the stream; this goes on by itself.".split()))
        self._pause_s = min(max(2 * self._pause_s, FIRST_PAUSE_S), LONGEST_PAUSE_S)
        self.stopping.wait(self._pause_s)

    def _go_on(self) -> None:
        if self._pause_s:
            self.say("It is there again: messages are recorded.")
        self._pause_s = 0.0
