"""Reading a source by time alone, as materialisation and Feast's own tools ask for it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path

import polars as pl
import pyarrow as pa
from feast.data_source import DataSource
from feast.repo_config import RepoConfig

from handrail.entrypoints.feast_offline_store.job import HandrailRetrievalJob
from handrail.entrypoints.feast_offline_store.sources import scan
from handrail.errors import UnknownReference
from handrail.point_in_time.times import finest, in_utc, moment

_AT, _CREATED = "__at", "__created"


def pulled(  # noqa: PLR0913 - what Feast's two pulls have in common
    config: RepoConfig,
    source: DataSource,
    columns: Sequence[str],
    times: Sequence[str],
    between: tuple[datetime | None, datetime | None],
    newest_of: Sequence[str] | None = None,
) -> HandrailRetrievalJob:
    """Plan to read columns and time columns of a source.

    Args:
        config: whose repository relative paths count from.
        source: parquet files.
        columns: keys and features, by their names in the source.
        times: the event time, and the created time if the source has one.
        between: first and last event time, both inclusive; None leaves a side open.
        newest_of: the keys of which to keep the newest row alone; null is a key like any other. None: all rows.

    Raises:
        UnknownReference: the source lacks a column.
    """
    repo_path = Path(config.repo_path or ".")
    rows = scan(source, repo_path, source.name)
    schema = rows.collect_schema()
    for column in (*columns, *times):
        if column not in schema:
            raise UnknownReference(f"column of source {source.name!r}", column, f"It has {', '.join(schema.names())}.")
    rows = _between(rows, schema, times[0], between)
    if newest_of is not None:
        rows = _newest(rows, schema, times, newest_of)
    wanted = rows.select(*dict.fromkeys([*columns, *times]))
    empty = wanted.collect_schema().to_frame().to_arrow(compat_level=pl.CompatLevel.oldest())

    def batches() -> Iterator[pa.Table]:
        yield wanted.collect().to_arrow(compat_level=pl.CompatLevel.oldest())

    return HandrailRetrievalJob(batches, empty.schema, repo_path)


def _between(
    rows: pl.LazyFrame, schema: pl.Schema, time: str, between: tuple[datetime | None, datetime | None]
) -> pl.LazyFrame:
    unit = finest([schema[time]])
    start, end = between
    if start is not None:
        rows = rows.filter(in_utc(schema, time, unit) >= moment(start, unit))
    if end is not None:
        rows = rows.filter(in_utc(schema, time, unit) <= moment(end, unit))
    return rows


def _newest(rows: pl.LazyFrame, schema: pl.Schema, times: Sequence[str], keys: Sequence[str]) -> pl.LazyFrame:
    unit = finest([schema[time] for time in times])
    order = [in_utc(schema, time, unit).alias(name) for time, name in zip(times, (_AT, _CREATED), strict=False)]
    names = [_AT, _CREATED][: len(times)]
    ordered = rows.with_columns(order).sort(names, nulls_last=False, maintain_order=True)
    kept = ordered.unique(subset=list(keys), keep="last", maintain_order=True) if keys else ordered.tail(1)
    return kept.drop(names)
