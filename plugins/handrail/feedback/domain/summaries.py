"""How feedback is doing, in numbers that take as long for a log of any size: rates, coverage, delays, orphans."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from handrail.feedback.domain.cohorts import Cohort
from handrail.feedback.domain.kinds import Kind
from handrail.feedback.domain.samples import Overview

Measured = Literal["accuracy", "mean_label"]


@dataclass(frozen=True, slots=True)
class Rate:
    """How many came in the last hour and in the last day before the as-of time."""

    hour: int = 0
    day: int = 0


@dataclass(frozen=True, slots=True)
class Orphans:
    """Of so many events of a kind that were looked at, how many have no prediction (yet)."""

    looked_at: int = 0
    without: int = 0

    @property
    def share(self) -> float:
        """The share of them, 0 to 1."""
        return self.without / self.looked_at if self.looked_at else 0.0


@dataclass(frozen=True, slots=True)
class Recent:
    """What came lately: predictions by deployment, feedback and orphans by kind, quarantine by reason.

    `bounded` says that the newest rows were counted alone, and more may have come within the day.
    """

    predictions: Mapping[str, Rate]
    feedback: Mapping[str, Rate]
    orphans: Mapping[str, Orphans]
    quarantined: Mapping[str, int]
    bounded: bool


@dataclass(frozen=True, slots=True)
class Spooled:
    """Predictions that were answered and are not in the log yet: bytes, and when the oldest was made."""

    bytes: int = 0
    oldest: datetime | None = None


@dataclass(frozen=True, slots=True)
class Summary:
    """A kind of feedback about the predictions of one deployment, or of all (None).

    `sampled` predictions were read, each represents `step` of the log. `mature` is the share whose window has passed,
    `coverage` the share of those with a label, 0 to 1. Delays are the hours from a prediction to its first answer,
    of mature predictions that have one; None where there is none. `so_far` is the figure over every label that is
    there, `figure` that over mature predictions alone: the first is what one would believe too early.
    """

    kind: str
    deployment: str | None
    sampled: int
    step: int
    mature: float
    coverage: float
    delay_p50_h: float | None
    delay_p90_h: float | None
    delay_p99_h: float | None
    measured: Measured
    so_far: float | None
    figure: float | None


def summaries_of(kind: Kind, overview: Overview) -> Iterator[Summary]:
    """Yield a summary of all deployments, and then one of each, sorted by URI."""
    made_by = overview.corrected.deployment
    yield _summary(kind, None, overview)
    for uri in sorted(set(made_by)):
        yield _summary(kind, uri, overview.part([each == uri for each in made_by]))


def _summary(kind: Kind, deployment: str | None, overview: Overview) -> Summary:
    cohort = overview.corrected
    waits = sorted(wait / timedelta(hours=1) for wait in overview.mature_waits() if wait is not None)
    measured: Measured = "accuracy" if kind.values else "mean_label"
    so_far = _figure(cohort.keep([label is not None for label in cohort.label]), measured)
    judged = _figure(cohort.judged(), measured)
    about = (kind.name, deployment, len(cohort), overview.step, cohort.mature_share, cohort.coverage)
    p50, p90, p99 = (_percentile(waits, share) for share in (0.5, 0.9, 0.99))
    return Summary(*about, p50, p90, p99, measured, so_far, judged)


def _percentile(ordered: Sequence[float], share: float) -> float | None:
    """Return the smallest value that is not below so large a share of them."""
    return ordered[math.ceil(share * len(ordered)) - 1] if ordered else None


def _figure(labelled: Cohort, measured: Measured) -> float | None:
    labels = [label for label in labelled.label if label is not None]
    if not labels:
        return None
    if measured == "mean_label":
        return math.fsum(labels) / len(labels)
    return sum(map(float.__eq__, map(float, labelled.predicted), labels)) / len(labels)
