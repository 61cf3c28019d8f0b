"""Joins entity rows with several feature tables, losing no row and keeping their order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

import polars as pl
from polars.exceptions import InvalidOperationError

from handrail.errors import InvalidInput, UnknownReference
from handrail.point_in_time.table import AT, FeatureTable, PreparedTable
from handrail.point_in_time.times import Unit, finest, in_utc


@dataclass(frozen=True)
class Join:
    """A point-in-time join that has read nothing yet.

    For each entity row and table the row counts that is newest among those with equal keys and a time not after
    the entity row's (and not older than the table's ttl). Every entity row comes back once, in its order, with
    null where nothing counts.

    Attributes:
        schema: columns and types of the entity frames that will come.
        event_time: the column of the entity frame with the time to look back from.
        tables: the feature tables, in the order of the result's columns.
        since, until: bounds of the entity rows' times (inclusive), if known: nothing outside of what they can
            need is read.
    """

    schema: pl.Schema
    event_time: str
    tables: Sequence[FeatureTable]
    since: datetime | None = None
    until: datetime | None = None

    def check(self) -> None:
        """Compare all schemas without reading a row.

        Raises:
            UnknownReference: a column is missing.
            InvalidInput: a column has the wrong type, or two columns of the result would have one name.
        """
        if self.event_time not in self.schema:
            raise UnknownReference(
                "column of the entity frame", self.event_time, f"It has {', '.join(self.schema.names())}."
            )
        if not isinstance(self.schema[self.event_time], pl.Datetime | pl.Date):
            raise InvalidInput(
                self.event_time,
                f"the entity frame holds {self.schema[self.event_time]} there instead of times in one zone",
                "Convert the column, for example with pandas.to_datetime(column, utc=True).",
            )
        names = set(self.schema.names())
        for table in self.tables:
            table.check(self.schema)
            for name in table.columns.values():
                if name in names:
                    raise InvalidInput(
                        f"{table.name}:{name}", "the result has a column of that name already", "Ask for full names."
                    )
                names.add(name)

    @property
    def result_schema(self) -> pl.Schema:
        """Columns and types of the result."""
        columns = dict(self.schema)
        for table in self.tables:
            own = table.schema()
            columns |= {name: own[column] for column, name in table.columns.items()}
        return pl.Schema(columns)

    def run(self, entities: pl.DataFrame) -> pl.DataFrame:
        """Return the entity rows with the tables' columns added, in their order.

        Rows may be sent in several calls: the feature tables are read at the first one and held in memory.
        """
        if entities.is_empty():
            return pl.DataFrame(schema=self.result_schema)
        at = entities.select(in_utc(entities.schema, self.event_time).alias(AT)).to_series()
        by_time = at.arg_sort(nulls_last=False)
        keys = sorted({column for table in self.tables for column in table.keys.values()})
        ordered = pl.DataFrame([*(entities.get_column(key) for key in keys), at])[by_time]
        back = by_time.arg_sort()
        found = [prepared.lookup(self._in_unit(ordered, unit))[back] for unit, prepared in self._prepared]
        return pl.concat([entities, *found], how="horizontal")

    def _in_unit(self, ordered: pl.DataFrame, unit: Unit) -> pl.DataFrame:
        if unit == finest([ordered.schema[AT]]):
            return ordered
        try:
            return ordered.with_columns(pl.col(AT).cast(pl.Datetime(unit, "UTC")))
        except InvalidOperationError as err:
            raise InvalidInput(
                self.event_time,
                "it has a time that nanoseconds cannot represent, which a feature table is in (1677 to 2262)",
                "Store that table's times in microseconds, or send other times.",
            ) from err

    @cached_property
    def _prepared(self) -> list[tuple[Unit, PreparedTable]]:
        units = [table.unit(self.schema[self.event_time]) for table in self.tables]
        tables = zip(units, self.tables, strict=True)
        return [(unit, table.prepare(unit, self.since, self.until)) for unit, table in tables]
