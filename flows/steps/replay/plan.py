"""The order of a replay: which days are replayed, and what happens in each simulated hour. Nothing here acts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import polars as pl

from flows.steps.data.live import request_of
from flows.steps.data.reactions import reactions_of
from flows.steps.replay.truth import Outcome, OutcomeReport, mistaken, share, stream
from handrail.errors import InvalidInput
from handrail.use_case import UseCase

HOUR = timedelta(hours=1)
DEFAULT_DAYS = 10
BATCH_HOUR = "batch_hour"
KEPT = (14, 11, 10, 9, 8, 7, 6, 2)
"""How many days before the last one each kept day is: between two parts of them, labels mature."""
LONG = 100
"""So many days the recorded time needs to keep some of them."""


@dataclass(frozen=True, slots=True)
class SimulatedHour:
    """One hour of the replay, which begins at `at`.

    `items` is the batch to predict: those whose prediction time falls into this hour. `reports` came in during the
    hour that ends at `at`.
    """

    at: datetime
    items: tuple[dict[str, Any], ...]
    reports: tuple[OutcomeReport, ...]


def replayed_days(days: pl.Series, count: int) -> tuple[date, ...]:
    """Spread `count` days evenly over the span of `days`: ten of five months are two a month, of all weekdays.

    Raises:
        InvalidInput: the count is not between 1 and the number of days there are.
    """
    first, last = days.min(), days.max()
    if not isinstance(first, date) or not isinstance(last, date):
        raise InvalidInput("go_live", "nothing happened after it", "Move go_live in params.yaml.")
    span = (last - first).days + 1
    if not 1 <= count <= span:
        raise InvalidInput("days", f"{count} is out of range", f"Give 1 to {span} days.")
    return tuple(first + timedelta(days=int((number + 0.5) * span / count)) for number in range(count))


def kept_days(days: pl.Series) -> tuple[date, ...]:
    """Return the days near the end of `days` that a replay can keep for a rollout; none of a short span.

    One for the shadow, then six in a row and another one for a canary; between them outcomes become known.
    """
    first, last = days.min(), days.max()
    if not isinstance(first, date) or not isinstance(last, date) or last - first < timedelta(days=LONG):
        return ()
    return tuple(last - timedelta(days=each) for each in KEPT)


def days_before(days: pl.Series, kept: Sequence[date]) -> pl.Series:
    """Return those `days` that are before the first of the kept ones."""
    return days.filter(days < min(kept)) if kept else days


def timeline(rows: pl.DataFrame, case: UseCase, *, outcomes_only: bool = False) -> list[SimulatedHour]:
    """Return every hour in which something happens to those `rows` of `Live`, in order.

    Reports of one hour come before its batch, as in real operation; what is no outcome may be left out.
    """
    said = outcomes_of if outcomes_only else said_of
    batches: dict[datetime, list[dict[str, Any]]] = defaultdict(list)
    timed = with_batch_hours(rows, case)
    for row in timed.iter_rows(named=True):
        batches[row[BATCH_HOUR]].append(request_of(row))
    reports: dict[datetime, list[OutcomeReport]] = defaultdict(list)
    for report in stream(said(timed, case, BATCH_HOUR)):
        reports[_hour_after(report.received_at)].append(report)
    return [
        SimulatedHour(at, tuple(batches.get(at, ())), tuple(reports.get(at, ())))
        for at in sorted(batches.keys() | reports.keys())
    ]


def said_of(rows: pl.DataFrame, case: UseCase, predicted_at: str) -> list[Outcome]:
    """Return what happened to each of those rows of `Live`, and whatever else is said about them."""
    asked = dict(zip(rows[case.subject.column].cast(pl.String), rows[predicted_at], strict=True))
    columns = ("subject", "known_at", "value", "mistaken", "kind", "source", "item")
    said = reactions_of(rows, share).select(columns).iter_rows()
    reactions = [Outcome(name, asked[name], *of_it) for name, *of_it in said]
    return [*outcomes_of(rows, case, predicted_at), *reactions]


def outcomes_of(rows: pl.DataFrame, case: UseCase, predicted_at: str) -> list[Outcome]:
    """Return what happened to each of those rows of `Live`; `predicted_at` names the column of their prediction times.

    Feedback reports the code of a class, in the order in which the description names them.
    """
    label = case.label
    codes = {name: float(code) for code, name in enumerate(label.classes or ())}
    columns = (case.subject.column, predicted_at, case.time.known, label.column)
    found = []
    for name, asked, known, truth in zip(*(rows[column] for column in columns), strict=True):
        value = None if truth is None else codes[truth] if isinstance(truth, str) else float(truth)
        found.append(Outcome(str(name), asked, known, value, mistaken(value, label)))
    return found


def with_batch_hours(rows: pl.DataFrame, case: UseCase) -> pl.DataFrame:
    """Add the column `BATCH_HOUR`: when each row is predicted in the replay, the beginning of its hour."""
    return rows.with_columns(pl.col(case.time.event).dt.truncate("1h").alias(BATCH_HOUR))


def _hour_after(moment: datetime) -> datetime:
    begun = moment.replace(minute=0, second=0, microsecond=0)
    return begun if begun == moment else begun + HOUR
