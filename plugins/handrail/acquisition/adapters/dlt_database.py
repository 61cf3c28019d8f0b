"""A table of a database, read by dlt in the order of a column that grows, and what was committed late under it.

dlt's own incremental loading goes on after the largest value that it saw: a row that is committed later with an
earlier value is never read (dlt-hub/dlt#2269). Here the source is cut into ranges of that column. Each run asks for
the number and the sum of the values in every range, and reads again those that are not as they were.

A range is measured before it is read: what is committed in between is read now, and once more at the next run.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from itertools import islice
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchTableError, SQLAlchemyError

from handrail.acquisition.adapters.dlt_modules import without_stand_in
from handrail.acquisition.adapters.yaml_sources import Database
from handrail.acquisition.domain.pages import Page, Position
from handrail.acquisition.domain.ranges import Range, bounds, merged
from handrail.acquisition.ports import Source
from handrail.errors import Misconfigured, Unavailable

NUMBERED = (sa.Integer, sa.Numeric)
GROWS = (*NUMBERED, sa.DateTime, sa.Date)
"""Types that every database puts in the same order. SQLite orders texts byte by byte, and keeps moments as such."""


class DltDatabase(Source):
    """A table or view by SQLAlchemy URL. Nothing is written there, and no state is kept but the position."""

    def __init__(self, settings: Database, url: str) -> None:
        """Connect at the first use.

        Raises:
            Misconfigured: the URL cannot be used.
        """
        self._settings = settings
        schema, _, name = settings.table.rpartition(".")
        self._schema, self._table_name = schema or None, name
        try:
            self._engine = sa.create_engine(_with_driver(url), poolclass=sa.NullPool)
        except (ArgumentError, ImportError, SQLAlchemyError) as err:
            raise Misconfigured("url", f"it opens no database: {err}", "Write a SQLAlchemy URL.") from err

    @property
    def name(self) -> str:
        """The URL without user and password, and the table."""
        url = self._engine.url
        place = f"{url.host or 'local'}{f':{url.port}' if url.port else ''}"
        return f"{url.get_backend_name()}://{place}/{url.database}#{self._settings.table}"

    def pages(self, since: Position | None) -> Generator[Page, None, None]:
        """Read again the ranges that changed, then what is new, then rows whose cursor is null."""
        with self._translated():
            table, cursor = self._reflected()
            low, high = self._ends(cursor)
            read = _ranges(since, cursor)
            for page_rows, position in self._changed(table, cursor, read):
                yield Page(page_rows, position)
            kept = self._settled(read)
            yield from self._newer(table, cursor, kept, low, high)
            yield from self._without_value(table)

    def confirm(self, page: Page) -> None:
        """A database keeps its rows."""

    def close(self) -> None:
        """Give back connections."""
        self._engine.dispose()

    def _reflected(self) -> tuple[sa.Table, sa.ColumnElement[Any]]:
        table = sa.Table(self._table_name, sa.MetaData(schema=self._schema), autoload_with=self._engine)
        if self._settings.cursor not in table.c:
            remedy = f"Write one of: {', '.join(table.c.keys())}."
            raise Misconfigured(self.name, f"it has no column {self._settings.cursor!r}", remedy)
        column = table.c[self._settings.cursor]
        if not isinstance(column.type, GROWS) and self._engine.dialect.name != "sqlite":
            problem = f"its column {self._settings.cursor!r} is {column.type}, whose order is not ours to know"
            raise Misconfigured(self.name, problem, "Name a column of moments or whole numbers.")
        return table, column

    def _ends(self, cursor: Any) -> tuple[Any, Any]:
        with self._engine.connect() as connection:
            low, high = connection.execute(sa.select(sa.func.min(cursor), sa.func.max(cursor))).one()
        return low, high

    def _changed(
        self, table: sa.Table, cursor: Any, read: list[Range]
    ) -> Iterator[tuple[Sequence[dict[str, Any]], Position]]:
        """Read the ranges that are no longer what they were; `read` has what they are now after each."""
        now = self._measure(cursor, None, [each.upper for each in read])
        for at, (before, after) in enumerate(zip(list(read), now, strict=True)):
            if before.fingerprint == after.fingerprint:
                continue
            lower = read[at - 1].upper if at else None
            for rows in self._rows(table, lower, before.upper):
                yield rows, _position(read)
            read[at] = after
            # The position says so only once every row of the range was given.
            yield (), _position(read)

    def _settled(self, read: list[Range]) -> list[Range]:
        """Return the ranges that end before the overlap: what comes after is read again."""
        if not read or not self._settings.overlap:
            return read
        last = read[-1].upper
        if isinstance(last, (datetime, date)):
            start: Any = last - timedelta(seconds=self._settings.overlap)
        elif isinstance(last, str):
            return read[:-1]
        else:
            start = last - type(last)(self._settings.overlap)
        return [each for each in read if each.upper <= start]

    def _newer(self, table: sa.Table, cursor: Any, kept: list[Range], low: Any, high: Any) -> Iterator[Page]:
        if high is None or (kept and high <= kept[-1].upper):
            return
        lower = kept[-1].upper if kept else None
        ranges = self._measure(cursor, lower, bounds(low if lower is None else lower, high))
        for rows in self._rows(table, lower, high):
            last = rows[-1][self._settings.cursor]
            whole = [each for each in ranges if each.upper < last]
            yield Page(rows, _position(merged([*kept, *whole])))
        yield Page((), _position(merged([*kept, *ranges])))

    def _without_value(self, table: sa.Table) -> Iterator[Page]:
        for rows in self._chunks(table, lambda query, its: query.where(its.is_(None))):
            yield Page(rows, None)

    def _measure(self, cursor: Any, lower: Any, uppers: Sequence[Any]) -> list[Range]:
        """Count and sum the values in each range, in one pass of the database over the column."""
        if not uppers:
            return []
        number = sa.case(*((cursor <= upper, place) for place, upper in enumerate(uppers)))
        query = sa.select(number, sa.func.count(), self._total(cursor)).where(cursor <= uppers[-1])
        if lower is not None:
            query = query.where(cursor > lower)
        with self._engine.connect() as connection:
            found = {place: (count, total) for place, count, total in connection.execute(query.group_by(number))}
        measured = []
        for place, upper in enumerate(uppers):
            count, total = found.get(place, (0, None))
            measured.append(Range(upper, count, "" if total is None else str(total)))
        return measured

    def _total(self, cursor: Any) -> Any:
        dialect = self._engine.dialect.name
        if isinstance(cursor.type, NUMBERED):
            return sa.cast(sa.func.sum(cursor), sa.Numeric) if dialect == "postgresql" else sa.func.sum(cursor)
        if isinstance(cursor.type, (sa.DateTime, sa.Date)) and dialect == "postgresql":
            return sa.func.sum(sa.extract("epoch", cursor))
        if isinstance(cursor.type, (sa.DateTime, sa.Date)) and dialect == "sqlite":
            return sa.func.sum(sa.cast(sa.func.strftime("%s", cursor), sa.Integer))
        return sa.null()

    def _rows(self, table: sa.Table, lower: Any, upper: Any) -> Iterator[Sequence[dict[str, Any]]]:
        def narrowed(query: Any, its: Any) -> Any:
            above = query.where(its <= upper)
            return (above if lower is None else above.where(its > lower)).order_by(its)

        return self._chunks(table, narrowed)

    def _chunks(self, table: sa.Table, narrowed: Any) -> Iterator[Sequence[dict[str, Any]]]:
        # Imported here: it takes seconds, and a table that is not there needs none of it.
        from dlt.common.exceptions import DltException
        from dlt.sources.sql_database import sql_table
        from dlt.sources.sql_database.helpers import TableLoader

        without_stand_in()
        opened = []

        class Loader(TableLoader):
            """Keeps what it opened: dlt leaves it open where a reader stops in between."""

            def _convert_result(self, result: Any, backend_kwargs: dict[str, Any]) -> Iterator[Any]:
                opened.append(result)
                return super()._convert_result(result, backend_kwargs)

        size = self._settings.page_rows
        items = iter(
            sql_table(
                credentials=self._engine,
                table=table.name,
                schema=self._schema,
                chunk_size=size,
                table_loader_class=Loader,
                query_adapter_callback=lambda query, its: narrowed(query, its.c[self._settings.cursor]),
            )
        )
        try:
            while rows := list(islice(items, size)):
                yield rows
        except DltException as err:
            said = _inner(err)
            if said is None:
                raise Unavailable(self.name, _first_line(err), "See what the database says of it.") from err
            raise said from err
        finally:
            for result in opened:
                result.close()
                # Otherwise a database would keep the transaction, and a lock on the table with it.
                result.connection.close()

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except NoSuchTableError as err:
            raise Misconfigured(self.name, "there is no such table", "Correct its name, or the schema.") from err
        except DBAPIError as err:
            raise Unavailable(
                self.name, _said(err), "Start the database or correct the URL, and run it again."
            ) from err


def _with_driver(url: str) -> sa.URL:
    parsed = sa.make_url(url)
    return parsed.set(drivername="postgresql+psycopg") if parsed.drivername in ("postgresql", "postgres") else parsed


def _inner(err: BaseException | None) -> DBAPIError | None:
    """Return what the database said, where dlt wrapped it."""
    while err is not None and not isinstance(err, DBAPIError):
        err = err.__cause__ or err.__context__
    return err


def _said(err: DBAPIError) -> str:
    return _first_line(err.orig or err)


def _first_line(err: BaseException) -> str:
    return str(err).strip().partition("\n")[0].rstrip(".") or type(err).__name__


def _position(ranges: Sequence[Range]) -> Position:
    return {"ranges": [[_written(each.upper), each.count, each.total] for each in ranges]}


def _written(value: Any) -> Any:
    return value.isoformat() if isinstance(value, (datetime, date)) else value if isinstance(value, int) else str(value)


def _ranges(since: Position | None, cursor: Any) -> list[Range]:
    if since is None:
        return []
    kind = cursor.type.python_type
    return [Range(_again(kind, upper), count, total) for upper, count, total in since["ranges"]]


def _again(kind: Any, upper: Any) -> Any:
    return kind.fromisoformat(upper) if issubclass(kind, (datetime, date)) else kind(upper)
