"""Forwards queued events to other lineage systems: each at least once, in order, whichever process dies in between."""

from __future__ import annotations

from collections.abc import Mapping

from handrail.errors import Refused, Unavailable, UnknownReference
from handrail.lineage.domain.outbox import Forwarded, QueuedEvent, QueueLength
from handrail.lineage.ports import Outbox, Transport

PAGE = 50


class Forwarder:
    """Empties the outbox. Two at once, or one that was killed, only repeat what a receiver has already."""

    def __init__(self, outbox: Outbox, transports: Mapping[str, Transport]) -> None:
        self._outbox = outbox
        self._transports = transports

    @property
    def sinks(self) -> tuple[str, ...]:
        """The names of the sinks that events can be sent to."""
        return tuple(sorted(self._transports))

    def forward(self, sink: str) -> Forwarded:
        """Send what waits for a sink, oldest first, until nothing waits or the receiver is unavailable.

        An event leaves the queue after the receiver took it. One that the receiver refuses is set aside with the
        reason, and the next ones are sent.

        Raises:
            UnknownReference: no sink has that name.
        """
        transport = self._transport(sink)
        sent = refused = 0
        while page := self._outbox.waiting(sink, PAGE):
            taken: list[str] = []
            try:
                for event in page:
                    if self._send(transport, sink, event):
                        taken.append(event.event_id)
                    else:
                        refused += 1
            except Unavailable as err:
                return Forwarded(sink, sent + len(taken), refused, str(err))
            finally:
                self._outbox.settle(sink, taken)
            sent += len(taken)
        return Forwarded(sink, sent, refused)

    def retry(self, sink: str) -> int:
        """Queue again what a sink refused; return how many.

        Raises:
            UnknownReference: no sink has that name.
        """
        self._transport(sink)
        return self._outbox.retry(sink)

    def lengths(self) -> tuple[QueueLength, ...]:
        """Return how much waits for each sink, also for those that are no longer configured."""
        return self._outbox.lengths()

    def close(self) -> None:
        """Close the connections to all sinks."""
        for transport in self._transports.values():
            transport.close()

    def _send(self, transport: Transport, sink: str, event: QueuedEvent) -> bool:
        try:
            transport.send(event)
        except Refused as err:
            self._outbox.refuse(sink, event.event_id, str(err))
            return False
        return True

    def _transport(self, sink: str) -> Transport:
        if sink not in self._transports:
            known = ", ".join(self.sinks) or "none"
            raise UnknownReference("sink", sink, f"config/lineage.yaml has: {known}.")
        return self._transports[sink]
