"""The order of a replay: which days are replayed, and what happens in each simulated hour. Nothing here acts."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import polars as pl

from flows.steps.replay.truth import OutcomeReport, stream
from flows.steps.replay.world import landings
from handrail.errors import InvalidInput

FIRST_DAY, LAST_DAY = date(2013, 8, 1), date(2013, 12, 31)
HOUR = timedelta(hours=1)
DEFAULT_DAYS = 10
BATCH_HOUR = "batch_hour"


@dataclass(frozen=True, slots=True)
class SimulatedHour:
    """One hour of the replay, which begins at `at`.

    `flights` is the batch to predict: those whose prediction time falls into this hour. `reports` came in during the
    hour that ends at `at`.
    """

    at: datetime
    flights: tuple[dict[str, Any], ...]
    reports: tuple[OutcomeReport, ...]


def replayed_days(count: int) -> tuple[date, ...]:
    """Spread `count` days evenly over August to December; ten days are two a month, of all kinds of weekdays.

    Raises:
        InvalidInput: the count is not between 1 and the number of days there are.
    """
    span = (LAST_DAY - FIRST_DAY).days + 1
    if not 1 <= count <= span:
        raise InvalidInput("days", f"{count} is out of range", f"Give 1 to {span} days.")
    return tuple(FIRST_DAY + timedelta(days=int((number + 0.5) * span / count)) for number in range(count))


def timeline(flights: pl.DataFrame) -> list[SimulatedHour]:
    """Return every hour in which something happens to those flights, in order.

    `flights` are rows of `World.flights`. Reports of one hour come before its batch, as in real operation.
    """
    batches: dict[datetime, list[dict[str, Any]]] = defaultdict(list)
    timed = with_batch_hours(flights)
    for flight in timed.iter_rows(named=True):
        batches[flight[BATCH_HOUR]].append(request_of(flight))
    reports: dict[datetime, list[OutcomeReport]] = defaultdict(list)
    for report in stream(landings(timed, predicted_at=BATCH_HOUR)):
        reports[_hour_after(report.received_at)].append(report)
    return [
        SimulatedHour(at, tuple(batches.get(at, ())), tuple(reports.get(at, ())))
        for at in sorted(batches.keys() | reports.keys())
    ]


def with_batch_hours(flights: pl.DataFrame) -> pl.DataFrame:
    """Add the column `BATCH_HOUR`: when each flight is predicted in the replay, the beginning of its hour."""
    return flights.with_columns(pl.col("event_timestamp").dt.truncate("1h").alias(BATCH_HOUR))


def request_of(flight: dict[str, Any]) -> dict[str, Any]:
    """Return what is asked about a flight two hours before its departure: nothing that is known only later."""
    return {name: flight[name] for name in ("flight_id", "carrier", "origin", "dest", "tailnum", "flight")} | {
        "sched_dep": flight["sched_dep_ts"].isoformat(),
        "sched_arr": flight["sched_arr_ts"].isoformat(),
        "distance": float(flight["distance"]),
    }


def _hour_after(moment: datetime) -> datetime:
    begun = moment.replace(minute=0, second=0, microsecond=0)
    return begun if begun == moment else begun + HOUR
