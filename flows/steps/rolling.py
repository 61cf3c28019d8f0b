"""Counts and sums over the hours (or days) before a moment, for each key, stamped with the END of the last bucket."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import polars as pl


@dataclass(frozen=True, slots=True)
class Buckets:
    """A regular grid of bucket ends: `first`, `first + width`, ... up to `until`."""

    first: datetime
    until: datetime
    width: timedelta

    def ends(self) -> pl.Series:
        """Return every bucket end as a column of moments in UTC."""
        name = "event_timestamp"
        if self.until < self.first:
            return pl.Series(name, [], dtype=pl.Datetime("us", "UTC"))
        ends = pl.datetime_range(self.first, self.until, self.width, time_unit="us", time_zone="UTC", eager=True)
        return ends.alias(name)

    def end_of(self, moment: pl.Expr) -> pl.Expr:
        """Return the end of the bucket in which `moment` falls; a moment on an end belongs to that end."""
        start, width = pl.lit(self.first), self.width
        past = (moment - start).dt.total_microseconds()
        step = width // timedelta(microseconds=1)
        return start + pl.duration(microseconds=-((-past) // step) * step)


def rolling_sums(events: pl.DataFrame, key: str, values: Sequence[str], buckets: Buckets) -> pl.DataFrame:
    """Sum `values` of the events in each bucket, for every key and every bucket end, empty buckets included.

    `events` has the columns `known` (when each became known), `key` and the integer columns `values`. The result
    is sorted by key and time; `over_last` turns it into sums over several buckets.
    """
    stamped = events.drop_nulls(["known", key]).with_columns(event_timestamp=buckets.end_of(pl.col("known")))
    sums = stamped.group_by(key, "event_timestamp").agg(pl.col(name).sum().cast(pl.Int64) for name in values)
    keys = stamped.select(pl.col(key).unique().sort())
    return (
        keys.join(buckets.ends().to_frame(), how="cross")
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
