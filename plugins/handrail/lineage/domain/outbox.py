"""Events on their way out: what is queued for a sink, and the result of a pass over its queue."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class QueuedEvent:
    """An event that a sink has not taken yet; `body` is its canonical JSON."""

    event_id: str
    stream: str
    body: str


@dataclass(frozen=True, slots=True)
class QueueLength:
    """How many events wait for a sink, and how many it refused."""

    sink: str
    waiting: int
    refused: int


@dataclass(frozen=True, slots=True)
class Forwarded:
    """One pass over the queue of a sink; `stopped` says why it ended early, None if it got through."""

    sink: str
    sent: int
    refused: int
    stopped: str | None = None
