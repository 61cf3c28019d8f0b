"""Everything that monitoring needs to know about one month: its span, its forecasts and outcomes, its features."""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl

from flows.steps.data.flight_times import HOME_ZONE
from flows.steps.monitoring.findings import Health
from flows.steps.project.outputs import write_parquet
from flows.steps.replay.log import ReplayLog
from flows.steps.replay.truth import KIND
from handrail.bootstrap import Platform
from handrail.errors import InvalidInput, Refused, Unavailable
from handrail.feedback import Cohort
from handrail.files import replacing, sha256_of
from handrail.settings import Settings

if TYPE_CHECKING:
    from handrail.scoring import Scorer


@dataclass(frozen=True, slots=True)
class Month:
    """A month of local (New York) days: `start` and the half-open `end` as moments, `first` and `after` as days."""

    name: str
    first: date
    after: date

    @property
    def start(self) -> datetime:
        """The first moment of the month, in UTC."""
        return _midnight(self.first)

    @property
    def end(self) -> datetime:
        """The first moment after the month, in UTC."""
        return _midnight(self.after)


@dataclass(frozen=True)
class Forecasts:
    """The forecasts of a month as a snapshot fixes them.

    `rows` has flight_id, made_at, score, forecast (Int8), late (Int8, null if unknown), mature and latency_ms, a row
    a flight: its first forecast. `deployment` made them; `others` counts forecasts of other deployments.
    """

    rows: pl.DataFrame
    snapshot: str
    as_of: datetime
    deployment: str
    others: int


def read_month(name: str) -> Month:
    """Read a month such as `2013-09`.

    Raises:
        InvalidInput: it is not a month.
    """
    if not re.fullmatch(r"\d{4}-(0[1-9]|1[0-2])", name):
        raise InvalidInput("month", f"{name!r} is not a month", "Write it as 2013-09.")
    first = date.fromisoformat(f"{name}-01")
    return Month(name, first, (first + timedelta(days=31)).replace(day=1))


def due_month(platform: Platform) -> str | None:
    """Return the newest month all of whose forecasts are mature by event time; None while nothing was deployed."""
    if not platform.feedback.deployments():
        return None
    now = platform.event_clock()
    wait = platform.feedback.kind(KIND).maturity_window
    month = read_month(f"{now:%Y-%m}")
    while month.end + wait > now:
        month = read_month(f"{month.first - timedelta(days=1):%Y-%m}")
    return month.name


def mature_at(platform: Platform, month: Month, action: str = "Monitoring") -> datetime:
    """Return the moment from which on every forecast of the month is mature.

    Raises:
        Refused: that moment has not come yet; the sentence names the `action`.
    """
    moment, now = month.end + platform.feedback.kind(KIND).maturity_window, platform.event_clock()
    if moment > now:
        reason = f"Its forecasts are mature at {moment:%Y-%m-%d %H:%MZ}, and now it is {now:%Y-%m-%d %H:%MZ}."
        raise Refused(f"{action} {month.name}", (reason,))
    return moment


def read_forecasts(platform: Platform, month: Month) -> Forecasts:
    """Take a snapshot of what is known about a month's forecasts once all are mature, and read it.

    Raises:
        Refused: they are not all mature yet.
        Unavailable: nobody forecast anything in that month.
    """
    moment = mature_at(platform, month)
    snapshot = platform.feedback.snapshot(KIND, month.start, month.end, moment)
    cohort = platform.feedback.snapshot_cohort(snapshot.digest)
    if not len(cohort):
        raise Unavailable(f"The month {month.name}", "nothing was forecast in it", "Replay it first.")
    counts = Counter(cohort.deployment)
    started = {record.uri: str(record.started_at) for record in platform.feedback.deployments()}
    deployment = max(counts, key=lambda uri: (counts[uri], started.get(uri, ""), uri))
    rows = _rows(cohort.of_deployment(deployment))
    return Forecasts(rows, snapshot.digest, moment, deployment, len(cohort) - counts[deployment])


def _rows(cohort: Cohort) -> pl.DataFrame:
    return (
        pl.DataFrame(
            {
                "flight_id": cohort.subject,
                "made_at": cohort.made_at,
                "score": cohort.score,
                "forecast": cohort.predicted,
                "late": cohort.label,
                "mature": cohort.mature,
                "latency_ms": cohort.latency_ms,
            },
            schema_overrides={"late": pl.Float64, "latency_ms": pl.Float64, "score": pl.Float64},
        )
        .with_columns(pl.col("forecast").cast(pl.Int8), pl.col("late").cast(pl.Int8))
        .unique("flight_id", keep="first", maintain_order=True)
    )


def read_health(settings: Settings, month: Month, rows: pl.DataFrame) -> Health:
    """Return how the service answered in that month: as the replay saw it, else as the service measured itself."""
    batches = [
        batch for batch in ReplayLog(settings.home / "replay").batches() if month.start <= batch.hour < month.end
    ]
    failed = sum(batch.failures for batch in batches)
    latencies = [batch.latency_ms for batch in batches] or rows["latency_ms"].drop_nulls().to_list()
    p50, p99 = np.quantile(latencies, (0.5, 0.99)).tolist() if latencies else (None, None)
    return Health(len(batches), failed, failed / (len(batches) + failed) if failed else 0.0, p50, p99)


def read_features(settings: Settings, month: Month, features: tuple[str, ...]) -> pl.DataFrame | None:
    """Return flight_id and the features of each flight of the month, or None if nobody kept them."""
    file = settings.home / "replay" / "scored" / f"{month.name}.parquet"
    return pl.read_parquet(file, columns=["flight_id", *features]) if file.is_file() else None


def read_reference(settings: Settings, window: str, scorer: Scorer, tree_digest: str) -> pl.DataFrame:
    """Return the features and scores of a window of the training data, scored by the model that is judged.

    Scores are kept under home/monitoring/reference, named by the digests of what they were made from.

    Raises:
        Unavailable: the project holds no training data.
    """
    file = settings.project / "data" / "training" / f"{window}.parquet"
    if not file.is_file():
        raise Unavailable(str(file), "there are no training rows to compare with", "Run: dvc repro features.")
    name = hashlib.sha256(json.dumps([tree_digest, sha256_of(file)]).encode()).hexdigest()[:16]
    kept = settings.home / "monitoring" / "reference" / f"{window}-{name}.parquet"
    if not kept.is_file():
        rows = pl.read_parquet(file)
        scores = scorer.score({column: rows[column].to_list() for column in scorer.features})
        with replacing(kept) as beside:
            write_parquet(rows.select(scorer.features).with_columns(score=pl.Series(scores.astype(float))), beside)
    return pl.read_parquet(kept)


def tables_for_reports(
    forecasts: Forecasts, features: pl.DataFrame | None, reference: pl.DataFrame
) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """Return the current, the reference and the judged table for the reports; without features, scores only."""
    known = pl.when("mature").then(pl.col("late").is_not_null().cast(pl.Float64))
    current = forecasts.rows.select("flight_id", "score", known=known)
    if features is None:
        return current.drop("flight_id"), reference.select("score"), _judged(forecasts.rows)
    joined = current.join(features, on="flight_id", how="inner").drop("flight_id")
    return joined, reference, _judged(forecasts.rows)


def _judged(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.filter("mature").drop_nulls("late").select("score", "late", "forecast")


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(HOME_ZONE)).astimezone(UTC)
