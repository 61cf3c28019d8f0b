"""Cohorts by columns: parts and the rows of the log behind them, joined by DuckDB some days at a time."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from handrail.errors import Unavailable
from handrail.feedback.adapters.duckdb_queries import CURRENT, GROUP, Query, day_of, literal, loose, tail_days
from handrail.feedback.adapters.pyarrow_cohorts import cohort_schema
from handrail.feedback.adapters.pyarrow_parts import as_table
from handrail.feedback.domain.kinds import Kind
from handrail.feedback.domain.material import Aggregation, Mark, Scope
from handrail.feedback.domain.parts import WHATS, Part, Reach, position_of
from handrail.feedback.ports import LabelReader, PartBook, PartSource

if TYPE_CHECKING:
    import pyarrow as pa

ROWS_AT_ONCE = 400_000
"""How many predictions a table has at most, unless there are more on one day."""
TAIL_AT_ONCE = 50_000
MEMORY = "512MB"
"""What DuckDB may hold; beyond that it writes to a temporary folder."""
CLOSED = {"autoinstall_known_extensions": False, "autoload_known_extensions": False}
"""No extension is fetched from elsewhere."""


class DuckdbLabels(LabelReader):
    """Cohorts by columns from parts below `folder`; where there are none, or no DuckDB, what `plain` reads."""

    def __init__(self, source: PartSource, book: PartBook, folder: Path, plain: LabelReader) -> None:
        self._source, self._book, self._folder, self._plain = source, book, folder, plain

    def tables(self, scope: Scope, kind: Kind, upto: Mark) -> Iterator[pa.Table]:
        """Yield the cohort at or below the mark, some days a table.

        Raises:
            MissingTool: pyarrow is not installed.
            Unavailable: a file was removed while it was read, or the disk for what does not fit into memory is full.
        """
        parts = self._parts()
        if not parts:
            yield from self._plain.tables(scope, kind, upto)
            return
        with _connected() as connection:
            reading = _Reading(connection, Query(scope, kind, upto), parts, self._folder)
            self._load(connection, parts, upto)
            reading.prepare(self._source.heard_earlier(scope, upto))
            for days in reading.days():
                found = reading.table(days)
                if found.num_rows:
                    yield found

    def _parts(self) -> Sequence[Part]:
        """Return the parts if they can be read: DuckDB is there, and so are all the files with their sizes."""
        if find_spec("duckdb") is None or find_spec("pyarrow") is None:
            return ()
        parts = self._book.all()
        try:
            whole = all((self._folder / part.path).stat().st_size == part.size for part in parts)
        except OSError:
            return ()
        return parts if whole else ()

    def _load(self, connection: Any, parts: Sequence[Part], upto: Mark) -> None:
        """Load what lies behind the parts in the log into tables of their own."""
        position = position_of(parts)
        for what in WHATS:
            empty = as_table(what, ())
            connection.register("batch", empty)
            connection.execute(f"create temp table tail_{what} as select * from batch")
            reach = Reach(what, getattr(position, what) + 1, getattr(upto, what))
            while rows := self._source.rows(reach, TAIL_AT_ONCE) if reach.first <= reach.last else ():
                connection.register("batch", as_table(what, rows))
                connection.execute(f"insert into tail_{what} select * from batch")
                reach = reach._replace(first=rows[-1][0] + 1)


@contextmanager
def _connected() -> Iterator[Any]:
    import duckdb

    with TemporaryDirectory(prefix="handrail-labels-") as beside:
        settings: dict[str, str | bool | int | float | list[str]] = {
            "memory_limit": MEMORY,
            "temp_directory": beside,
            "autoinstall_known_extensions": False,
        }
        connection = duckdb.connect(config=settings)
        try:
            connection.execute("set TimeZone = 'UTC'")
            yield connection
        except duckdb.IOException as err:
            remedy = "Free the disk, and run handrail feedback compact if files are missing."
            raise Unavailable("The label table", str(err).splitlines()[0].rstrip("."), remedy) from err
        finally:
            connection.close()


class _Reading:
    """One cohort on its way out of DuckDB."""

    def __init__(self, connection: Any, query: Query, parts: Sequence[Part], folder: Path) -> None:
        self._connection, self._query, self._parts, self._folder = connection, query, parts, folder
        self._loose = False

    def prepare(self, heard_earlier: Sequence[str]) -> None:
        """Collect what is not stored beside its prediction: early feedback, new rows, and what names a business key."""
        import pyarrow as pa

        self._connection.register("heard", pa.table({"event_id": pa.array(heard_earlier, pa.string())}))
        self._connection.execute("create temp table earlier as select * from heard")
        files = self._files("events", [part for part in self._parts if part.is_loose])
        # A key may mean predictions outside of the scope.
        earlier = [part for part in self._parts if part.day <= day_of(self._query.scope.as_of)]
        rivals = self._files("predictions", earlier)
        for statement in loose(self._query, files, rivals, bool(heard_earlier)):
            self._connection.execute(statement)
        self._query = self._query.with_earlier(bool(heard_earlier))
        self._loose = bool(self._connection.sql("select count(*) from loose").fetchall()[0][0])

    def days(self) -> Iterator[tuple[date, date]]:
        """Yield runs of days, first and last, each with so many predictions that they can be held at once."""
        counts: dict[date, int] = dict(self._connection.sql(tail_days(self._query)).fetchall())
        first, last = self._query.days
        for part in self._parts:
            if part.what == "predictions" and first <= part.day <= last:
                counts[part.day] = counts.get(part.day, 0) + part.rows
        held, begin, end = 0, None, None
        for day, rows in sorted(counts.items()):
            if begin is not None and end is not None and held + rows > ROWS_AT_ONCE:
                yield begin, end
                held, begin = 0, None
            begin, end, held = begin or day, day, held + rows
        if begin is not None and end is not None:
            yield begin, end

    def table(self, days: tuple[date, date]) -> pa.Table:
        """Return the rows of a run of days, in their order."""
        here = [part for part in self._parts if days[0] <= part.day <= days[1] and self._wanted(part)]
        made, said = self._files("predictions", here), self._files("events", here)
        group = self._query.group(days, made, said, self._loose)
        asked = f"with made as ({group.made}) select count(*) from ({group.events}) where item <> ''"
        items = self._connection.sql(asked).fetchall()[0][0] > 0
        current = CURRENT[self._query.kind.aggregation if items else "one"]
        sql = GROUP.format(made=group.made, events=group.events, current=current, **self._query.labels())
        found = self._connection.sql(sql).to_arrow_table()
        return _summed(found, self._query.kind.aggregation).cast(cohort_schema())

    def _wanted(self, part: Part) -> bool:
        return not part.is_loose and self._query.scope.deployment in (None, part.deployment)

    def _files(self, what: str, parts: Sequence[Part]) -> list[str]:
        return [literal(self._folder / part.path) for part in parts if part.what == what]


def _summed(found: pa.Table, aggregation: Aggregation) -> pa.Table:
    """Put together what has more than two items: exactly, as the rule in Python does."""
    import pyarrow as pa

    several = found.column("several").to_pylist() if found.column("several").null_count < len(found) else None
    if several is not None:
        labels = found.column("label").to_pylist()
        for row, values in enumerate(several):
            if values is not None:
                total = math.fsum(values)
                labels[row] = total if aggregation == "sum" else total / len(values)
        place = found.schema.get_field_index("label")
        found = found.set_column(place, "label", pa.array(labels, pa.float64()))
    return found.drop_columns(["several"])
