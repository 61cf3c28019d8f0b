"""The simulated stream of outcomes and of what else is said: which reports come in, when, and with what value.

Which subjects are reported late, twice, wrongly at first or never, and which reports name the subject instead of the
prediction, follows from their name alone, so every run of the replay gives the same figures.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum

from handrail.use_case import Label, UseCase

HOUR = timedelta(hours=1)
SOURCE = "recorded-outcomes"


class Fate(Enum):
    """How the report of one outcome arrives."""

    AT_ONCE = "at once"
    DELAYED = "delayed"
    TWICE = "twice"
    CORRECTED = "corrected"
    NEVER = "never"


# Upper ends of the shares of all subjects, in order; the rest arrives at once.
SHARES = ((Fate.NEVER, 0.005), (Fate.DELAYED, 0.045), (Fate.TWICE, 0.075), (Fate.CORRECTED, 0.095))
BY_KEY = 0.3
"""The share of outcomes whose reports name the subject; whatever else is said does so always."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What happened to one subject: `known_at` and `value` are None if it never became known.

    `value` is 0 or 1, the code of a class, or a number; `mistaken` is what a wrong first report says.
    `predicted_at` is the event time of the prediction that the outcome is about. An empty `kind` is the truth; else it
    is what somebody says beside it, `item` what of it.
    """

    subject: str
    predicted_at: datetime
    known_at: datetime | None
    value: float | None
    mistaken: float | None
    kind: str = ""
    source: str = SOURCE
    item: str = ""


@dataclass(frozen=True, slots=True)
class OutcomeReport:
    """One report about one subject; `received_at` is when it comes in, `occurred_at` when the fact took place.

    `kind`, `source` and `item` are those of its `Outcome`.
    """

    subject: str
    predicted_at: datetime
    value: float
    revision: int
    occurred_at: datetime
    received_at: datetime
    kind: str = ""
    source: str = SOURCE
    item: str = ""

    @property
    def is_by_key(self) -> bool:
        """Whether it names the subject, because who reports it knows no prediction."""
        return bool(self.kind) or share(self.subject, "address") < BY_KEY


def mistaken(value: float | None, label: Label) -> float | None:
    """Return another value that an outcome of that kind can have."""
    if value is None:
        return None
    if label.kind == "binary":
        return 1 - value
    return (value + 1) % len(label.classes) if label.classes else value + 1


def share(subject: str, purpose: str) -> float:
    """Return a number in [0, 1) that depends on these two texts alone."""
    digest = hashlib.blake2b(f"{purpose}:{subject}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2**64


def fate_of(subject: str, kind: str = "") -> Fate:
    """Return how the report of that kind about that subject arrives."""
    drawn = share(subject, f"{kind} fate".strip())
    return next((fate for fate, below in SHARES if drawn < below), Fate.AT_ONCE)


def reports_of(outcome: Outcome) -> Iterator[OutcomeReport]:
    """Yield every report about one subject in the order in which they come in; none if it never became known.

    A late report comes 6 to 60 hours after the fact, a second copy and a correction 1 to 24 hours after the first.
    """
    fate = fate_of(outcome.subject, outcome.kind)
    if outcome.known_at is None or outcome.value is None or outcome.mistaken is None or fate is Fate.NEVER:
        return
    known, drawn = outcome.known_at, share(outcome.subject, "delay")
    again = known + HOUR * (1 + 23 * drawn)
    about = (outcome.kind, outcome.source, outcome.item)
    first = OutcomeReport(outcome.subject, outcome.predicted_at, outcome.value, 0, known, known, *about)
    if fate is Fate.DELAYED:
        yield replace(first, received_at=known + HOUR * (6 + 54 * drawn))
    elif fate is Fate.CORRECTED:
        yield replace(first, value=outcome.mistaken)
        yield replace(first, revision=1, occurred_at=again, received_at=again)
    elif fate is Fate.TWICE:
        yield from (first, replace(first, received_at=again))
    else:
        yield first


def address_of(prediction_id: str, report: OutcomeReport, case: UseCase) -> dict[str, str]:
    """Return what a report names: the prediction, or the subject; what is no outcome is about the served answer."""
    if not report.is_by_key:
        return {"prediction_id": prediction_id}
    return {"prediction_id": "", "subject": report.subject} | ({"service": case.name} if report.kind else {})


def stream(outcomes: Iterable[Outcome]) -> list[OutcomeReport]:
    """Return all reports about those subjects, ordered by when they come in."""
    reports = [report for outcome in outcomes for report in reports_of(outcome)]
    return sorted(reports, key=lambda each: (each.received_at, each.subject, each.kind, each.item, each.revision))
