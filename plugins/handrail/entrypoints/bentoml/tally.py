"""What one serving process did, by the minute, for the record of health. Adding costs about a microsecond."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from handrail.delivery import BOUNDS_S, REQUESTS, Fault, HealthSample, Load, bucket_of

MOST_WAITING = 10_000
"""So many samples are held while the store cannot be written: a day and more."""


@dataclass(slots=True)
class Count:
    """A load that grows."""

    asked: int = 0
    items: int = 0
    seconds: float = 0.0
    degraded: int = 0
    dropped: int = 0
    faults: dict[Fault, int] = field(default_factory=dict)
    latencies: list[int] = field(default_factory=lambda: [0] * (len(BOUNDS_S) + 1))

    def load(self) -> Load:
        """Return it as a value."""
        counts = self.asked, self.items, dict(self.faults), tuple(self.latencies)
        return Load(*counts, self.seconds, self.degraded, self.dropped)


class Tally:
    """Counts by slot and deployment in the minute of now; whole minutes wait until they are taken."""

    def __init__(self, pointer: str, process: str, clock: Callable[[], datetime]) -> None:
        """Count for the slot with this pointer, as a process with a name of its own."""
        self._pointer, self._process, self._clock = pointer, process, clock
        self._minute = _minute_of(clock())
        self._counts: dict[tuple[str, str], Count] = {(REQUESTS, ""): Count()}
        self._waiting: dict[tuple[str, str, datetime], HealthSample] = {}
        self._lock = threading.Lock()

    def ended(self, name: str, deployment: str, seconds: float, items: int = 0, fault: Fault | None = None) -> None:
        """Count one request that ended, as a whole (`REQUESTS`) or in one slot."""
        with self._lock:
            count = self._count(name, deployment)
            count.asked += 1
            count.items += items
            count.seconds += seconds
            count.latencies[bucket_of(seconds)] += 1
            if fault is not None:
                count.faults[fault] = count.faults.get(fault, 0) + 1

    def noted(self, name: str, deployment: str, degraded: int = 0, dropped: int = 0) -> None:
        """Count answers that lacked features, or predictions in shadow that were left out."""
        with self._lock:
            count = self._count(name, deployment)
            count.degraded += degraded
            count.dropped += dropped

    def take(self) -> list[HealthSample]:
        """Return every sample that may have changed since it was last kept; `kept` forgets the whole minutes."""
        with self._lock:
            self._turn()
            return [*self._waiting.values(), *self._samples()]

    def kept(self, samples: list[HealthSample]) -> None:
        """Forget minutes that are over and were kept."""
        with self._lock:
            for each in samples:
                key = each.name, each.deployment, each.minute
                # Meanwhile the minute may have ended with more than was kept of it.
                if self._waiting.get(key) == each:
                    del self._waiting[key]

    def _count(self, name: str, deployment: str) -> Count:
        self._turn()
        return self._counts.setdefault((name, deployment), Count())

    def _turn(self) -> None:
        """Begin a new minute if the last one is over. An idle process is counted too: it was alive."""
        minute = _minute_of(self._clock())
        if minute != self._minute:
            self._waiting |= {(each.name, each.deployment, each.minute): each for each in self._samples()}
            for old in list(self._waiting)[:-MOST_WAITING]:
                del self._waiting[old]
            self._minute, self._counts = minute, {(REQUESTS, ""): Count()}

    def _samples(self) -> list[HealthSample]:
        return [
            HealthSample(self._pointer, name, deployment, self._process, self._minute, count.load())
            for (name, deployment), count in self._counts.items()
        ]


def _minute_of(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(second=0, microsecond=0)
