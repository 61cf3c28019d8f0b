"""Everything that monitoring needs to know about one month: its span, its forecasts, and how the service answered."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import numpy as np
import polars as pl

from flows.steps.monitoring.findings import Batch, Health
from handrail.bootstrap import Platform
from handrail.clock import midnight
from handrail.errors import InvalidInput, Refused, Unavailable
from handrail.feedback import Cohort
from handrail.use_case import UseCase


@dataclass(frozen=True, slots=True)
class Month:
    """A month of local days in `zone`: `start` and the half-open `end` as moments, `first` and `after` as days."""

    name: str
    first: date
    after: date
    zone: str

    @property
    def start(self) -> datetime:
        """The first moment of the month, in UTC."""
        return midnight(self.first, self.zone)

    @property
    def end(self) -> datetime:
        """The first moment after the month, in UTC."""
        return midnight(self.after, self.zone)


@dataclass(frozen=True)
class Forecasts:
    """The forecasts of a month as a snapshot fixes them.

    `rows` has subject, made_at, score, predicted (the code of a class, 0 for numbers), outcome (null if unknown),
    mature and latency_ms, a row a subject: its first forecast. `deployment` made them; `others` counts those of others.
    """

    rows: pl.DataFrame
    snapshot: str
    as_of: datetime
    deployment: str
    others: int


def read_month(name: str, zone: str = "UTC") -> Month:
    """Read a month such as `2013-09`, of days in that time zone.

    Raises:
        InvalidInput: it is not a month.
    """
    if not re.fullmatch(r"\d{4}-(0[1-9]|1[0-2])", name):
        raise InvalidInput("month", f"{name!r} is not a month", "Write it as 2013-09.")
    first = date.fromisoformat(f"{name}-01")
    return Month(name, first, (first + timedelta(days=31)).replace(day=1), zone)


def due_month(platform: Platform, case: UseCase) -> str | None:
    """Return the newest month all of whose forecasts are mature by event time; None while nothing was deployed."""
    if not platform.feedback.deployments():
        return None
    now = platform.event_clock()
    wait = platform.feedback.kind(case.label.feedback).maturity_window
    month = read_month(f"{now:%Y-%m}", case.time.zone)
    while month.end + wait > now:
        month = read_month(f"{month.first - timedelta(days=1):%Y-%m}", case.time.zone)
    return month.name


def mature_at(platform: Platform, month: Month, case: UseCase, action: str = "Monitoring") -> datetime:
    """Return the moment from which on every forecast of the month is mature.

    Raises:
        Refused: that moment has not come yet; the sentence names the `action`.
    """
    wait = platform.feedback.kind(case.label.feedback).maturity_window
    moment, now = month.end + wait, platform.event_clock()
    if moment > now:
        reason = f"Its predictions are mature at {moment:%Y-%m-%d %H:%MZ}, and now it is {now:%Y-%m-%d %H:%MZ}."
        raise Refused(f"{action} {month.name}", (reason,))
    return moment


def read_forecasts(platform: Platform, month: Month, case: UseCase) -> Forecasts:
    """Take a snapshot of what is known about a month's forecasts once all are mature, and read it.

    Raises:
        Refused: they are not all mature yet.
        Unavailable: nobody forecast anything in that month.
    """
    moment = mature_at(platform, month, case)
    snapshot = platform.feedback.snapshot(case.label.feedback, month.start, month.end, moment)
    cohort = platform.feedback.snapshot_cohort(snapshot.digest)
    if not len(cohort):
        raise Unavailable(
            f"The month {month.name}", "nothing was predicted in it", "Choose a month in which the service answered."
        )
    counts = Counter(cohort.deployment)
    started = {record.uri: str(record.started_at) for record in platform.feedback.deployments()}
    deployment = max(counts, key=lambda uri: (counts[uri], started.get(uri, ""), uri))
    rows = _rows(cohort.of_deployment(deployment))
    return Forecasts(rows, snapshot.digest, moment, deployment, len(cohort) - counts[deployment])


def _rows(cohort: Cohort) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "subject": cohort.subject,
            "made_at": cohort.made_at,
            "score": cohort.score,
            "predicted": cohort.predicted,
            "outcome": cohort.label,
            "mature": cohort.mature,
            "latency_ms": cohort.latency_ms,
        },
        schema_overrides={"outcome": pl.Float64, "latency_ms": pl.Float64, "score": pl.Float64},
    ).unique("subject", keep="first", maintain_order=True)


def read_health(batches: Sequence[Batch], month: Month, rows: pl.DataFrame) -> Health:
    """Return how the service answered in that month: as a client measured `batches`, else as it measured itself."""
    seen = [batch for batch in batches if month.start <= batch.hour < month.end]
    failed = sum(batch.failures for batch in seen)
    latencies = [batch.latency_ms for batch in seen] or rows["latency_ms"].drop_nulls().to_list()
    p50, p99 = np.quantile(latencies, (0.5, 0.99)).tolist() if latencies else (None, None)
    return Health(len(seen), failed, failed / (len(seen) + failed) if seen else None, p50, p99)
