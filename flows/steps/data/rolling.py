"""Sums over the buckets of time before a moment, for each key, stamped with the END of the last bucket."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import polars as pl

MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Buckets:
    """A regular grid of bucket ends: `first`, `first + width`, ... up to `until`."""

    first: datetime
    until: datetime
    width: timedelta

    def ends(self) -> pl.DataFrame:
        """Return every bucket end as the one column `event_timestamp` (UTC, microseconds)."""
        count = max(0, (self.until - self.first) // self.width + 1)
        return pl.select(
            event_timestamp=pl.lit(self.first).cast(pl.Datetime("us", "UTC"))
            + pl.duration(microseconds=pl.int_range(count) * (self.width // MICROSECOND))
        )

    def end_of(self, moment: pl.Expr) -> pl.Expr:
        """Return the end of the bucket in which `moment` falls; a moment on an end belongs to that end."""
        step = self.width // MICROSECOND
        past = (moment - pl.lit(self.first)).dt.total_microseconds()
        return pl.lit(self.first).cast(pl.Datetime("us", "UTC")) - pl.duration(microseconds=(-past) // step * step)


def rolling_sums(events: pl.DataFrame, key: str, values: Sequence[str], buckets: Buckets) -> pl.DataFrame:
    """Sum `values` of the events in each bucket, for every key and every bucket since its first event.

    `events` has the columns `known` (when each became known), `key` and the integer columns `values`. The result is
    sorted by key and time, empty buckets are zeros; `over_last` turns it into sums over several buckets.
    """
    stamped = events.drop_nulls(["known", key]).with_columns(event_timestamp=buckets.end_of(pl.col("known")))
    sums = stamped.group_by(key, "event_timestamp").agg(pl.col(name).sum().cast(pl.Int64) for name in values)
    starts = sums.group_by(key).agg(start=pl.col("event_timestamp").min())
    return (
        starts.join(buckets.ends(), how="cross")
        .filter(pl.col("event_timestamp") >= pl.col("start"))
        .drop("start")
        .join(sums, on=[key, "event_timestamp"], how="left")
        .with_columns(pl.col(name).fill_null(0) for name in values)
        .sort(key, "event_timestamp")
    )


def over_last(column: str, count: int, key: str) -> pl.Expr:
    """Return the exact integer sum of `column` over the last `count` buckets of the same key."""
    return pl.col(column).rolling_sum(window_size=count, min_samples=1).over(key)


def ratio(numerator: pl.Expr, denominator: pl.Expr) -> pl.Expr:
    """Return a mean or a share; null where nothing was seen."""
    return pl.when(denominator > 0).then(numerator / denominator)


def waiting(flights: pl.DataFrame, key: str, buckets: Buckets, span: int) -> pl.DataFrame:
    """Count, at each bucket end, the flights scheduled within the last `span` buckets and not departed by then.

    `flights` has `key`, `sched_dep_ts` and `departed` (null if it never did). Nothing is assumed of cancellations:
    a flight that has not departed by a moment is waiting at that moment, whatever happens to it later.
    """
    moments = pl.DataFrame({"buckets_later": range(span)})
    seen = flights.with_columns(first=buckets.end_of(pl.col("sched_dep_ts"))).join(moments, how="cross")
    at = pl.col("first") + pl.duration(microseconds=pl.col("buckets_later") * (buckets.width // MICROSECOND))
    is_waiting = pl.col("departed").is_null() | (pl.col("departed") > pl.col("event_timestamp"))
    return (
        seen.with_columns(event_timestamp=at)
        .group_by(key, "event_timestamp")
        .agg(scheduled=pl.len().cast(pl.Int64), waiting=is_waiting.sum().cast(pl.Int64))
    )
