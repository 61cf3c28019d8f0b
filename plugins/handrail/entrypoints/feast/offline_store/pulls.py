"""Reading a source by time alone, as materialisation and Feast's own tools ask for it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import polars as pl
import pyarrow as pa
from feast.data_source import DataSource
from feast.feature_view import DUMMY_ENTITY_ID, DUMMY_ENTITY_VAL
from feast.repo_config import RepoConfig

from handrail.entrypoints.feast.offline_store.job import HandrailRetrievalJob, as_arrow
from handrail.entrypoints.feast.offline_store.registered import declared_of
from handrail.entrypoints.feast.offline_store.source_rows import Wanted
from handrail.entrypoints.feast.offline_store.sources import open_source
from handrail.errors import InvalidInput
from handrail.point_in_time.table import UNREADABLE, unreadable
from handrail.point_in_time.times import finest, in_utc, moment

_AT, _CREATED = "__at", "__created"


@dataclass(frozen=True)
class Asked:
    """What to read of a source, by its names there.

    Attributes:
        keys: the join keys; without any, Feast looks the rows up by its own key, which is then added.
        features: the features.
        times: the event time, and the created time if the source has one.
        between: first and last event time, both inclusive; None leaves a side open.
    """

    keys: Sequence[str]
    features: Sequence[str]
    times: Sequence[str]
    between: tuple[datetime | None, datetime | None]


def pulled(config: RepoConfig, source: DataSource, asked: Asked, *, newest: bool) -> HandrailRetrievalJob:
    """Plan to read a source: all rows, or the newest of each key, where null is a key like any other.

    Raises:
        UnknownReference: the source lacks a column.
        InvalidInput: the source cannot be read, or a time column holds no times.
    """
    repo_path = Path(config.repo_path or ".")
    columns = list(dict.fromkeys([*asked.keys, *asked.features, *asked.times]))
    wanted = Wanted(f"Source {source.name!r}", declared_of(config, source, columns), [*asked.keys, *asked.times])
    opened = open_source(source, repo_path, wanted)
    schema = _checked(opened.rows, source.name, asked)
    rows = _between(opened.rows, schema, asked.times[0], asked.between)
    if newest:
        rows = _newest(rows, schema, asked.times, asked.keys)
    keyless = [] if asked.keys else [pl.lit(DUMMY_ENTITY_VAL).alias(DUMMY_ENTITY_ID)]
    rows = rows.select(*columns, *keyless)
    types = dict(opened.types) | ({} if asked.keys else {DUMMY_ENTITY_ID: pa.string()})

    def batches() -> Iterator[pa.Table]:
        opened.verify()
        try:
            found = rows.collect()
        except UNREADABLE as err:
            raise unreadable(wanted.what, err) from err
        yield as_arrow(found, types)

    return HandrailRetrievalJob(batches, pa.schema(types), repo_path)


def _checked(rows: pl.LazyFrame, name: str, asked: Asked) -> pl.Schema:
    schema = rows.collect_schema()
    for column in asked.times:
        if not isinstance(schema[column], pl.Datetime | pl.Date):
            raise InvalidInput(
                f"{name}:{column}", f"it holds {schema[column]} instead of times", "Store it as a timestamp."
            )
    return schema


def _between(
    rows: pl.LazyFrame, schema: pl.Schema, time: str, between: tuple[datetime | None, datetime | None]
) -> pl.LazyFrame:
    unit = finest([schema[time]])
    start, end = between
    if start is not None:
        rows = rows.filter(in_utc(schema, time) >= moment(start, unit))
    if end is not None:
        rows = rows.filter(in_utc(schema, time) <= moment(end, unit))
    return rows


def _newest(rows: pl.LazyFrame, schema: pl.Schema, times: Sequence[str], keys: Sequence[str]) -> pl.LazyFrame:
    order = [in_utc(schema, time).alias(name) for time, name in zip(times, (_AT, _CREATED), strict=False)]
    names = [_AT, _CREATED][: len(times)]
    ordered = rows.with_columns(order).sort(names, nulls_last=False, maintain_order=True)
    kept = ordered.unique(subset=list(keys), keep="last", maintain_order=True) if keys else ordered.tail(1)
    return kept.drop(names)
