"""The rows that features are asked for: a pandas frame, an SQL query, or a range of time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
from feast.errors import EntityTimestampInferenceException
from feast.infra.offline_stores.offline_utils import infer_event_timestamp_from_entity_df

from handrail.errors import InvalidInput, Misconfigured
from handrail.point_in_time import FeatureTable
from handrail.point_in_time.keys import canonical, own_key
from handrail.point_in_time.table import UNREADABLE, unreadable
from handrail.point_in_time.times import Unit, finest, in_utc, moment

BATCH_ROWS = 200_000
EVENT_TIME = "event_timestamp"


@dataclass(frozen=True)
class FrameRows:
    """The rows of a table in memory; `event_time` is the column of the time to look back from."""

    table: pa.Table
    event_time: str

    @property
    def schema(self) -> pa.Schema:
        """Columns and types."""
        return self.table.schema

    def batches(self) -> Iterator[pa.Table]:
        """Yield slices of the table in order; none if there is no row."""
        for start in range(0, self.table.num_rows, BATCH_ROWS):
            yield self.table.slice(start, BATCH_ROWS)

    def bounds(self) -> tuple[datetime | None, datetime | None]:
        """Return the first and last time among the rows, (None, None) if there is no row."""
        return _range(as_polars(self.table.select([self.event_time])).lazy())


@dataclass(frozen=True)
class QueryRows:
    """The rows of an SQL query, which DuckDB answers; nothing but one batch is held in memory."""

    query: str
    schema: pa.Schema
    event_time: str

    def batches(self) -> Iterator[pa.Table]:
        """Run the query and yield its rows as they come."""
        with _duckdb() as connection:
            for batch in connection.sql(self.query).to_arrow_reader(BATCH_ROWS):
                yield pa.Table.from_batches([batch])

    def bounds(self) -> tuple[datetime | None, datetime | None]:
        """Run the query for the first and last time alone."""
        name = self.event_time.replace('"', '""')
        with _duckdb() as connection:
            ends = f'select unnest([min("{name}"), max("{name}")]) as "{name}" from ({self.query}\n)'
            table = connection.sql(ends).to_arrow_table()
        return FrameRows(table, self.event_time).bounds()


EntityRows = FrameRows | QueryRows
"""Entity rows that can be read more than once, whole or in batches, each time in the same order."""


def as_polars(table: pa.Table) -> pl.DataFrame:
    """Return an Arrow table as a Polars frame; times at an offset, which Polars does not know, come as UTC."""
    fields = [
        field.with_type(pa.timestamp(field.type.unit, "UTC"))
        if pa.types.is_timestamp(field.type) and (field.type.tz or "").startswith(("+", "-"))
        else field
        for field in table.schema
    ]
    frame = pl.from_arrow(table.cast(pa.schema(fields)))
    assert isinstance(frame, pl.DataFrame)  # noqa: S101 - a table is never a series
    return frame


def from_pandas(frame: pd.DataFrame) -> FrameRows:
    """Take the rows of a frame; its index is ignored and the frame itself is not changed.

    Raises:
        InvalidInput: there is no column of times, or its times are not comparable.
    """
    if not frame.columns.is_unique:
        twice = frame.columns[frame.columns.duplicated()][0]
        raise InvalidInput(f"entity_df:{twice}", "two columns have this name", "Rename or drop one.")
    event_time = _infer(dict(zip(frame.columns, frame.dtypes, strict=True)))
    if not pd.api.types.is_datetime64_any_dtype(frame[event_time]):
        frame = frame.assign(**{event_time: _parsed(frame[event_time])})
    try:
        return FrameRows(pa.Table.from_pandas(frame, preserve_index=False), event_time)
    except (pa.ArrowInvalid, pa.ArrowTypeError) as err:
        raise InvalidInput(
            "entity_df", f"a column mixes types ({str(err).rstrip('.')})", "Give each column one type."
        ) from err


def from_query(query: str) -> QueryRows:
    """Take the rows of an SQL query over files, in DuckDB's dialect.

    Raises:
        InvalidInput: the query cannot be run, or gives no column of times.
    """
    text = query.strip().rstrip(";")
    try:
        with _duckdb() as connection:
            schema = connection.sql(f"select * from ({text}\n) limit 0").to_arrow_table().schema
    except duckdb.Error as err:
        raise InvalidInput(
            "entity_df", f"DuckDB cannot run the query ({str(err).splitlines()[0].rstrip('.')})", "Correct the SQL."
        ) from err
    if twice := [name for name in schema.names if schema.names.count(name) > 1]:
        raise InvalidInput(f"entity_df:{twice[0]}", "two columns have this name", "Rename or drop one.")
    times = [field.name for field in schema if pa.types.is_timestamp(field.type)]
    if EVENT_TIME not in schema.names and len(times) != 1:
        raise InvalidInput("entity_df", "the query gives no one column of times", f"Name it {EVENT_TIME!r}.")
    return QueryRows(text, schema, EVENT_TIME if EVENT_TIME in schema.names else times[0])


def from_range(tables: Sequence[FeatureTable], start: datetime, end: datetime) -> FrameRows:
    """Take each key at each time at which one of the tables has a row between `start` and `end`, both inclusive.

    Rows come in the order of time, then key, each once.

    Raises:
        Misconfigured: the tables are looked up by different keys, so that one key does not fit all.
    """
    if not tables:
        raise Misconfigured(
            "Retrieval by time alone", "no feature view with a source is asked for", "Ask for one, or give entity rows."
        )
    keys = sorted(tables[0].keys.values())
    for table in tables[1:]:
        if sorted(table.keys.values()) != keys:
            raise Misconfigured(
                "Retrieval by time alone",
                f"{table.name!r} is looked up by {sorted(table.keys.values())} and {tables[0].name!r} by {keys}",
                "Ask for views with the same entities, or give an entity frame.",
            )
    for table in tables:
        table.check(_own_keys(tables[0]))
    unit = finest(table.schema()[table.event_time] for table in tables)
    parts = [_moments(table, (start, end), unit, _own_keys(tables[0])) for table in tables]
    for table in tables:
        table.verify()
    try:
        rows = pl.concat(parts).unique().sort(EVENT_TIME, *keys).collect()
    except UNREADABLE as err:
        raise unreadable("Retrieval by time alone", err) from err
    return FrameRows(rows.to_arrow(compat_level=pl.CompatLevel.oldest()), EVENT_TIME)


def _own_keys(table: FeatureTable) -> pl.Schema:
    """Return the entity columns that a table needs, in its own types."""
    own = table.schema()
    return pl.Schema({entity: canonical(own[column]) for column, entity in table.keys.items() if column in own})


def _moments(table: FeatureTable, between: tuple[datetime, datetime], unit: Unit, types: pl.Schema) -> pl.LazyFrame:
    own = table.schema()
    time = finest([own[table.event_time]])
    at = in_utc(own, table.event_time)
    keys = sorted(table.keys.items(), key=lambda pair: pair[1])
    rows = table.rows.filter(at.is_between(moment(between[0], time), moment(between[1], time)))
    columns = [own_key(column, own[column]).cast(types[entity]).alias(entity) for column, entity in keys]
    return rows.select(in_utc(own, table.event_time, unit).alias(EVENT_TIME), *columns).drop_nulls()


def _infer(types: dict[str, np.dtype[Any]]) -> str:
    try:
        return str(infer_event_timestamp_from_entity_df(types))
    except (EntityTimestampInferenceException, ValueError) as err:
        raise InvalidInput(
            "entity_df",
            f"no column of times could be found among {', '.join(map(str, types))}",
            f"Name it {EVENT_TIME!r}.",
        ) from err


def _parsed(column: pd.Series) -> pd.Series:
    """Read text or objects as times; zones may differ from row to row, but must be there in all rows or in none."""
    if pd.api.types.is_numeric_dtype(column) and not column.empty:
        raise InvalidInput(
            f"entity_df:{column.name}", "it holds numbers instead of times", "Convert it with pandas.to_datetime."
        )
    try:
        zones = column.map(lambda value: pd.Timestamp(value).tzinfo is not None if pd.notna(value) else None).dropna()
        if zones.nunique() > 1:
            raise InvalidInput(
                f"entity_df:{column.name}", "some times have a zone and some have none", "Give all of them a zone."
            )
        return pd.to_datetime(column, utc=True, format="ISO8601" if column.map(type).eq(str).any() else None)
    except (ValueError, TypeError) as err:
        raise InvalidInput(
            f"entity_df:{column.name}",
            f"it holds something that is not a time ({err})",
            "Convert it with pandas.to_datetime.",
        ) from err


def _range(column: pl.LazyFrame) -> tuple[datetime | None, datetime | None]:
    name = column.collect_schema().names()[0]
    at = in_utc(column.collect_schema(), name, "us")
    return column.select(at.min().alias("first"), at.max().alias("last")).collect().row(0)


def _duckdb() -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    connection.execute("set TimeZone = 'UTC'")
    return connection
