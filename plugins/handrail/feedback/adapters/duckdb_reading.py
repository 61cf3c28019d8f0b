"""Parts and the rows of the log behind them, opened in DuckDB for one question."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from handrail.errors import Unavailable
from handrail.feedback.adapters.duckdb_queries import Query, Rows, day_of, literal, loose
from handrail.feedback.adapters.pyarrow_parts import as_table
from handrail.feedback.domain.kinds import Kind
from handrail.feedback.domain.material import Mark, Scope
from handrail.feedback.domain.parts import WHATS, Part, Reach, are_sound, position_of
from handrail.feedback.ports import PartBook, PartSource

TAIL_AT_ONCE = 50_000
MEMORY = "512MB"
"""What DuckDB may hold; beyond that it writes to a temporary folder."""


@dataclass(frozen=True, slots=True)
class Parts:
    """Parts below `folder`, as `book` records them, and the log that `source` reads."""

    source: PartSource
    book: PartBook
    folder: Path

    def whole(self) -> Sequence[Part]:
        """Return the parts if they can be read: DuckDB is there, and so are all the files with their sizes."""
        if find_spec("duckdb") is None or find_spec("pyarrow") is None:
            return ()
        parts = self.book.all()
        try:
            whole = are_sound(parts) and all((self.folder / part.path).stat().st_size == part.size for part in parts)
        except OSError:
            return ()
        return parts if whole else ()

    @contextmanager
    def reading(self, parts: Sequence[Part], scope: Scope, kind: Kind, upto: Mark) -> Iterator[Reading]:
        """Open what `whole` returned, and the rows of the log behind it, for one question.

        Raises:
            Unavailable: a file was removed while it was read, or the disk for what does not fit into memory is full.
        """
        with _connected() as connection:
            reading = Reading(connection, Query(scope, kind, upto), parts, self.folder)
            self._load(connection, parts, upto)
            reading.prepare(self.source.heard_earlier(scope, upto))
            yield reading

    def _load(self, connection: Any, parts: Sequence[Part], upto: Mark) -> None:
        """Load what lies behind the parts in the log into tables of their own."""
        position = position_of(parts)
        for what in WHATS:
            empty = as_table(what, ())
            connection.register("batch", empty)
            connection.execute(f"create temp table tail_{what} as select * from batch")
            reach = Reach(what, getattr(position, what) + 1, getattr(upto, what))
            while rows := self.source.rows(reach, TAIL_AT_ONCE) if reach.first <= reach.last else ():
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
        except (duckdb.IOException, duckdb.InvalidInputException) as err:
            remedy = "Free the disk, and run handrail feedback compact if files are missing or damaged."
            raise Unavailable("The label table", str(err).splitlines()[0].rstrip("."), remedy) from err
        finally:
            connection.close()


class Reading:
    """One question to DuckDB about parts and the rows behind them."""

    def __init__(self, connection: Any, query: Query, parts: Sequence[Part], folder: Path) -> None:
        """Ask `query` over `connection` of the files below `folder`."""
        self.connection, self.query, self.parts, self._folder = connection, query, parts, folder
        self._loose = False

    def prepare(self, heard_earlier: Sequence[str]) -> None:
        """Collect what is not stored beside its prediction: early feedback, new rows, and what names a business key."""
        import pyarrow as pa

        self.connection.register("heard", pa.table({"event_id": pa.array(heard_earlier, pa.string())}))
        self.connection.execute("create temp table earlier as select * from heard")
        files = self._files("events", [part for part in self.parts if part.is_loose])
        # A key may mean predictions outside of the scope.
        earlier = [part for part in self.parts if part.day <= day_of(self.query.scope.as_of)]
        rivals = self._files("predictions", earlier)
        for statement in loose(self.query, files, rivals, bool(heard_earlier)):
            self.connection.execute(statement)
        self.query = self.query.with_earlier(bool(heard_earlier))
        self._loose = bool(self.connection.sql("select count(*) from loose").fetchall()[0][0])

    def rows(self, days: tuple[date, date]) -> Rows:
        """Return queries for the predictions of some days, and for the events that may be about them."""
        here = [part for part in self.parts if days[0] <= part.day <= days[1] and self._wanted(part)]
        made, said = self._files("predictions", here), self._files("events", here)
        return self.query.group(days, made, said, self._loose)

    def _wanted(self, part: Part) -> bool:
        return not part.is_loose and self.query.scope.deployment in (None, part.deployment)

    def _files(self, what: str, parts: Sequence[Part]) -> list[str]:
        return [literal(self._folder / part.path) for part in parts if part.what == what]
