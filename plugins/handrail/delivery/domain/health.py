"""How a service did in a stretch of time: counts, faults and a histogram of latencies. Knows no web framework."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

BOUNDS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Upper bounds of the histogram's buckets, in seconds; one more bucket holds what took longer."""
REQUESTS = "requests"
"""The name under which a service's requests as a whole are counted, beside its slots."""


class Fault(StrEnum):
    """Why no good answer was given."""

    REFUSED = "refused"
    """The request itself was wrong, or its caller unknown: 4xx."""
    BUSY = "busy"
    """Too much was asked at once: 429."""
    UNAVAILABLE = "unavailable"
    """What the answer needs is away, or no model is served: 503."""
    FAILED = "failed"
    """It raised, or answered no number: 5xx."""
    SLOW = "slow"
    """It took too long: 408 and 504."""


def fault_of(status: int) -> Fault | None:
    """Return which fault an HTTP status is; None for a good answer."""
    if status < 400:  # noqa: PLR2004 - the first status of an error, RFC 9110
        return None
    named = {408: Fault.SLOW, 429: Fault.BUSY, 503: Fault.UNAVAILABLE, 504: Fault.SLOW}
    return named.get(status, Fault.REFUSED if status < 500 else Fault.FAILED)  # noqa: PLR2004 - RFC 9110


def bucket_of(seconds: float) -> int:
    """Return the place of a latency in a histogram of `BOUNDS_S`."""
    return bisect_left(BOUNDS_S, seconds)


@dataclass(frozen=True, slots=True)
class Load:
    """What was asked in a stretch of time, and how it went.

    `asked` counts requests, `items` predictions that were given; `latencies` has a count for each bound and one more;
    `seconds` is their sum. `degraded` counts answers without all features, `dropped` predictions in shadow left out.
    """

    asked: int = 0
    items: int = 0
    faults: Mapping[Fault, int] = field(default_factory=dict)
    latencies: tuple[int, ...] = field(default_factory=lambda: (0,) * (len(BOUNDS_S) + 1))
    seconds: float = 0.0
    degraded: int = 0
    dropped: int = 0

    def __add__(self, other: Load) -> Load:
        faults = {each: self.faults.get(each, 0) + other.faults.get(each, 0) for each in Fault}
        return Load(
            self.asked + other.asked,
            self.items + other.items,
            {each: count for each, count in faults.items() if count},
            tuple(one + two for one, two in zip(self.latencies, other.latencies, strict=True)),
            self.seconds + other.seconds,
            self.degraded + other.degraded,
            self.dropped + other.dropped,
        )

    @property
    def errors(self) -> int:
        """How many requests failed through no fault of whoever asked."""
        return sum(count for fault, count in self.faults.items() if fault is not Fault.REFUSED)

    def quantile(self, share: float) -> float | None:
        """Estimate a quantile of the latencies in seconds, None without any.

        Inside a bucket values are taken as even, as in Prometheus's `histogram_quantile`; beyond the last bound the
        answer is that bound.
        """
        total = sum(self.latencies)
        if not total:
            return None
        rank, below = share * total, 0
        for place, upper in enumerate(BOUNDS_S):
            count = self.latencies[place]
            if below + count >= rank and count:
                lower = BOUNDS_S[place - 1] if place else 0.0
                return lower + (upper - lower) * (rank - below) / count
            below += count
        return BOUNDS_S[-1]


@dataclass(frozen=True, slots=True)
class HealthSample:
    """One process's load in one minute: of a service's `REQUESTS`, or of one of its slots by name.

    `pointer` is the URI of the service's slot, `deployment` that of what answered, empty for requests as a whole.
    """

    pointer: str
    name: str
    deployment: str
    process: str
    minute: datetime
    load: Load


@dataclass(frozen=True, slots=True)
class HealthBin:
    """The load of all processes in a longer stretch.

    `minutes` counts those in which any of them was alive, `first` is the earliest of them.
    """

    pointer: str
    name: str
    deployment: str
    start: datetime
    first: datetime
    minutes: int
    load: Load
