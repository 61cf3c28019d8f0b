"""One feature table: what to take from where, and that table made ready to be looked up by key and time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import polars as pl
from polars.exceptions import PanicException, PolarsError

from handrail.errors import InvalidInput, UnknownReference
from handrail.point_in_time.keys import as_key, comparable, own_key
from handrail.point_in_time.times import Unit, finest, in_utc, moment

AT, CREATED, ELIGIBLE, RANK = "__at", "__created", "__eligible", "__rank"
# Polars panics at a zone that is an offset, as in "+05:30".
UNREADABLE = (OSError, PolarsError, PanicException)


@dataclass(frozen=True, slots=True)
class FeatureTable:
    """What to take from where, and how long a value stays valid.

    Attributes:
        name: how errors call the table.
        rows: the table, one row a value that became known; nothing is read before the join runs.
        event_time: column with the time at which a row became true; without a zone it is taken as UTC.
        keys: column of the table -> column of the entity frame that must be equal. Null equals nothing.
        columns: column of the table -> its name in the result.
        created: column that breaks ties of `event_time`: the newest wins, null is the oldest. Rows that tie in
            that too: the last one in the table wins.
        ttl: a value older than this at the entity row's time is null; exactly as old still counts. None: no limit.
        hide_created_later: leave out rows whose `created` is null or after the entity row's time.
        verify: called before rows are read; raises if they cannot be what `rows` promises.
    """

    name: str
    rows: pl.LazyFrame
    event_time: str
    keys: Mapping[str, str]
    columns: Mapping[str, str]
    created: str | None = None
    ttl: timedelta | None = None
    hide_created_later: bool = False
    verify: Callable[[], None] = lambda: None

    @property
    def time_columns(self) -> list[str]:
        """The columns of the table that hold times."""
        return [self.event_time, *([self.created] if self.created else [])]

    def schema(self) -> pl.Schema:
        """Return the source's columns and types.

        Raises:
            InvalidInput: the source cannot be read.
        """
        try:
            return self.rows.collect_schema()
        except UNREADABLE as err:
            raise unreadable(f"Feature view {self.name!r}", err) from err

    def check(self, entities: pl.Schema) -> None:
        """Compare the table's schema with the entity frame's.

        Raises:
            UnknownReference: a column is missing on either side.
            InvalidInput: a key has different types on the two sides, or a time column holds no times.
        """
        own = self.schema()
        for column in (*self.time_columns, *self.keys, *self.columns):
            if column not in own:
                raise UnknownReference(
                    f"column of feature view {self.name!r}", column, f"Its source has {', '.join(own.names())}."
                )
        for column in self.time_columns:
            if not isinstance(own[column], pl.Datetime | pl.Date):
                raise InvalidInput(
                    f"{self.name}:{column}", f"it holds {own[column]} instead of times", "Store it as a timestamp."
                )
        for column, entity in self.keys.items():
            self._check_key(own[column], column, entities, entity)

    def _check_key(self, own: pl.DataType, column: str, entities: pl.Schema, entity: str) -> None:
        if entity == AT:
            raise InvalidInput(
                f"{self.name}:{column}", f"{AT!r} is a name that the join uses itself", "Rename the entity column."
            )
        if entity not in entities:
            raise UnknownReference(
                "entity column", entity, f"Feature view {self.name!r} is looked up by it: add it to the entity frame."
            )
        if not comparable(own, entities[entity]):
            raise InvalidInput(
                f"{self.name}:{column}",
                f"it holds {own} and the entity column {entity!r} holds {entities[entity]}",
                "Cast one to the type of the other.",
            )

    def unit(self, entity_time: pl.DataType) -> Unit:
        """Return the unit in which this table's times and the entity rows' are compared."""
        schema = self.schema()
        compared = self.time_columns if self.hide_created_later else [self.event_time]
        return finest([entity_time, *(schema[column] for column in compared)])

    def prepare(self, unit: Unit, since: datetime | None, until: datetime | None) -> PreparedTable:
        """Read and sort the rows that entity rows between `since` and `until` (inclusive, UTC) can need.

        Raises:
            InvalidInput: the source cannot be read.
        """
        schema = self.schema()
        keys = [f"__key_{i}" for i in range(len(self.keys))]
        rows = self.rows.select(
            *(own_key(key, schema[key]).alias(mine) for key, mine in zip(self.keys, keys, strict=True)),
            in_utc(schema, self.event_time).alias(AT),
            *([in_utc(schema, self.created).alias(CREATED)] if self.created else []),
            *(pl.col(column).alias(f"__value_{i}") for i, column in enumerate(self.columns)),
        )
        rows = rows.filter(pl.all_horizontal(pl.col(AT, *keys).is_not_null()))
        # The bounds are whole microseconds, rounded down: rows are compared with them as such.
        whole = pl.col(AT).dt.cast_time_unit("us") if finest([schema[self.event_time]]) == "ns" else pl.col(AT)
        if until is not None:
            rows = rows.filter(whole <= moment(until, "us"))
        if since is not None and self.ttl is not None and (oldest := _before(since, self.ttl)) is not None:
            rows = rows.filter(whole >= moment(oldest, "us"))
        order = [AT, CREATED] if self.created else [AT]
        self.verify()
        try:
            values = rows.sort(order, nulls_last=False, maintain_order=True).collect()
        except UNREADABLE as err:
            raise unreadable(f"Feature view {self.name!r}", err) from err
        return PreparedTable(self, _index(values, keys, unit, late=self.hide_created_later), values.drop(*keys))


def unreadable(what: str, err: BaseException) -> InvalidInput:
    """Return the sentence for a source that Polars cannot read."""
    reason = str(err).splitlines()[0].rstrip(".")
    if "unable to parse time zone" in reason:
        return InvalidInput(what, "it has times whose zone is an offset from UTC", "Store them in UTC.")
    return InvalidInput(
        what, f"its source cannot be read ({reason})", "Check its path, its format, and that its files agree."
    )


def _before(at: datetime, length: timedelta) -> datetime | None:
    try:
        return at - length
    except OverflowError:
        return None


def _index(values: pl.DataFrame, keys: list[str], unit: Unit, *, late: bool) -> pl.DataFrame:
    """Return keys, the time from which a row counts, and the number of the newest row that counts from then."""
    times = [in_utc(values.schema, name, unit).alias(name) for name in ((AT, CREATED) if late else (AT,))]
    ranked = values.select(*keys, *times).with_row_index(RANK).filter(pl.col(AT).is_not_null())
    if not late:
        return ranked
    eligible = (
        ranked.filter(pl.col(CREATED).is_not_null())
        .with_columns(pl.max_horizontal(AT, CREATED).alias(ELIGIBLE))
        .sort(ELIGIBLE, RANK)
    )
    best = pl.col(RANK).cum_max()
    return eligible.select(best.over(keys) if keys else best, *keys, pl.col(ELIGIBLE).alias(AT))


@dataclass(frozen=True, slots=True)
class PreparedTable:
    """A feature table in memory: `index` says which row of `values` counts for a key from a time on."""

    table: FeatureTable
    index: pl.DataFrame
    values: pl.DataFrame

    def lookup(self, entities: pl.DataFrame) -> pl.DataFrame:
        """Return the table's columns for each entity row, in the same order; null where nothing is known.

        Args:
            entities: the entity frame with its time in the column `__at`, sorted by it, in the unit that the table
                was prepared in.
        """
        keys = [f"__key_{i}" for i in range(len(self.table.keys))]
        left = pl.DataFrame(
            [
                as_key(entities, column, self.index.schema[mine]).alias(mine)
                for mine, column in zip(keys, self.table.keys.values(), strict=True)
            ]
            + [entities.get_column(AT)]
        )
        found = left.join_asof(
            self.index, on=AT, by=keys or None, strategy="backward", check_sortedness=False
        ).get_column(RANK)
        found = self._fresh(entities.get_column(AT), found)
        return pl.DataFrame(
            [
                self.values.get_column(f"__value_{i}").gather(found).alias(name)
                for i, name in enumerate(self.table.columns.values())
            ]
        )

    def _fresh(self, at: pl.Series, found: pl.Series) -> pl.Series:
        if self.table.ttl is None:
            return found
        known = self.values.get_column(AT).gather(found)
        age = at.dt.cast_time_unit("us") - known.dt.cast_time_unit("us")
        fresh = age <= self.table.ttl
        if "ns" in (at.dtype.time_unit, known.dtype.time_unit):  # type: ignore[attr-defined]  # both are Datetime
            fresh &= (age < self.table.ttl) | (_below_us(at) <= _below_us(known))
        return pl.select(pl.when(fresh).then(found)).to_series()


def _below_us(at: pl.Series) -> pl.Series:
    """Return the nanoseconds beyond the whole microsecond."""
    return at.dt.nanosecond() % 1000
