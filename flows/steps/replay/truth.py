"""The simulated stream of true outcomes: which reports of a landing come in, when, and with what value.

Which flights are reported late, twice, wrongly at first or never follows from their id alone, so every run of the
replay gives the same figures.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum

HOUR = timedelta(hours=1)
KIND = "ground_truth"
SOURCE = "airport-feed"


class Fate(Enum):
    """How the report of one landing arrives."""

    PUNCTUAL = "punctual"
    LATE = "late"
    TWICE = "twice"
    CORRECTED = "corrected"
    NEVER = "never"


# Upper ends of the shares of all flights, in order; the rest is punctual.
SHARES = ((Fate.NEVER, 0.005), (Fate.LATE, 0.045), (Fate.TWICE, 0.075), (Fate.CORRECTED, 0.095))


@dataclass(frozen=True, slots=True)
class Landing:
    """What happened to one flight: `landed_at` and `late` are None if it never landed as planned.

    `predicted_at` is the event time of the prediction that the outcome is about.
    """

    flight_id: str
    predicted_at: datetime
    landed_at: datetime | None
    late: bool | None


@dataclass(frozen=True, slots=True)
class OutcomeReport:
    """One report about one flight; `received_at` is when it comes in, `occurred_at` when the fact took place."""

    flight_id: str
    predicted_at: datetime
    late: bool
    revision: int
    occurred_at: datetime
    received_at: datetime


def share(flight_id: str, purpose: str) -> float:
    """Return a number in [0, 1) that depends on these two texts alone."""
    digest = hashlib.blake2b(f"{purpose}:{flight_id}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2**64


def fate_of(flight_id: str) -> Fate:
    """Return how the report of that flight arrives."""
    drawn = share(flight_id, "fate")
    return next((fate for fate, below in SHARES if drawn < below), Fate.PUNCTUAL)


def reports_of(landing: Landing) -> Iterator[OutcomeReport]:
    """Yield every report about one flight in the order in which they come in; none if it never landed.

    A late report comes 6 to 60 hours after the landing, a second copy and a correction 1 to 24 hours after the first.
    """
    fate = fate_of(landing.flight_id)
    if landing.landed_at is None or landing.late is None or fate is Fate.NEVER:
        return
    landed, drawn = landing.landed_at, share(landing.flight_id, "delay")
    again = landed + HOUR * (1 + 23 * drawn)
    first = OutcomeReport(landing.flight_id, landing.predicted_at, landing.late, 0, landed, landed)
    if fate is Fate.LATE:
        yield replace(first, received_at=landed + HOUR * (6 + 54 * drawn))
    elif fate is Fate.CORRECTED:
        yield replace(first, late=not landing.late)
        yield replace(first, revision=1, occurred_at=again, received_at=again)
    elif fate is Fate.TWICE:
        yield from (first, replace(first, received_at=again))
    else:
        yield first


def stream(landings: Iterable[Landing]) -> list[OutcomeReport]:
    """Return all reports about those flights, ordered by when they come in."""
    reports = [report for landing in landings for report in reports_of(landing)]
    return sorted(reports, key=lambda report: (report.received_at, report.flight_id, report.revision))
