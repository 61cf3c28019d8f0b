"""The rows of an opened file, in order: where each is, and what it says; nothing is recorded here."""

from __future__ import annotations

import csv
import json
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import IO, Any

from handrail.entrypoints.cli.feedback_import.columns import Columns, Options
from handrail.entrypoints.cli.feedback_import.opened import Lines, Opened
from handrail.entrypoints.http.feedback_messages import read_line
from handrail.errors import InvalidInput
from handrail.feedback import Feedback, Prediction, Reason, Rejected

Row = Prediction | Feedback | Rejected
Said = Callable[[str], None]
DELIMITERS = ",;\t|"
AT_ONCE = 10_000
MOST_LINES = 100
"""So many lines a row of a table may have; a quote that is not closed takes no more of those behind it."""
NO_JSON = "line: it is not JSON. Write one JSON object a line."


@dataclass(frozen=True, slots=True)
class At:
    """How far a file has been read: bytes or rows, the number of the last line, and the digest of all before."""

    position: int = 0
    line: int = 0
    digest: str = ""


@dataclass(frozen=True, slots=True)
class Reading:
    """How a file is read: what was said about it, the moment, and who hears what is not read."""

    options: Options
    now: datetime
    say: Said

    def rows(self, opened: Opened, begin: At) -> Source | None:
        """Return the rows behind `begin`; None if what comes before is not what it was.

        Raises:
            InvalidInput: the file is damaged, or its columns do not give what is needed.
        """
        made: dict[str, Callable[[Opened, Reading], Source]] = {"csv": CsvRows, "parquet": ParquetRows}
        source = made.get(opened.form, JsonRows)(opened, self)
        return source if not begin.position or source.skip(begin) else None

    def table(self, header: list[str]) -> Columns:
        """Return which column gives which field, and say which columns give none."""
        columns = self.options.of(header)
        unread = [name for name in header if name and name not in columns.named.values()]
        if unread:
            self.say(f"Columns that are not read: {', '.join(unread)}.")
        return columns

    def row(self, columns: Columns, cells: Mapping[str, Any], place: str) -> Row:
        """Read the cells of one row."""
        try:
            return columns.read(cells, self.now)
        except InvalidInput as err:
            what = "prediction" if columns.is_about_predictions else "feedback"
            return Rejected(what, Reason.MALFORMED, err.field, str(err), columns.plain(cells), place)


class Source(ABC):
    """Rows in order, and how far they were read."""

    @abstractmethod
    def at(self) -> At:
        """Return how far it was read, so that reading can begin there again."""

    @abstractmethod
    def skip(self, begin: At) -> bool:
        """Go to where reading ended before; return whether all before is as it was."""

    @abstractmethod
    def __iter__(self) -> Iterator[tuple[str, Row]]:
        """Yield each row with its place."""


class _LineRows(Source):
    def __init__(self, opened: Opened, reading: Reading) -> None:
        self._name, self._reading = opened.name, reading
        self._lines = Lines(opened)

    def at(self) -> At:
        return At(self._lines.position, self._lines.number, self._lines.digest())

    def skip(self, begin: At) -> bool:
        return self._lines.skip(begin.position, begin.line, begin.digest)


class JsonRows(_LineRows):
    """One JSON object a line."""

    def __iter__(self) -> Iterator[tuple[str, Row]]:
        """Yield where each row is, and the row."""
        for raw in self._lines:
            line = raw.decode(errors="backslashreplace")
            if line.strip():
                place = f"{self._name} line {self._lines.number}"
                yield place, self._row(line, place)

    def _row(self, line: str, place: str) -> Row:
        reading = self._reading
        if not reading.options:
            return read_line(line, reading.now, place)
        read = _object(line)
        if read is None:
            return Rejected("feedback", Reason.MALFORMED, "line", NO_JSON, line.rstrip("\r\n"), place)
        return reading.row(reading.options.of_object(read), read, place)


def _object(line: str) -> Mapping[str, Any] | None:
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


class CsvRows(_LineRows):
    """A table of text; the first line names its columns. A cell in quotes may have several lines."""

    def __init__(self, opened: Opened, reading: Reading) -> None:
        """Read the header."""
        super().__init__(opened, reading)
        self._again: deque[_Line] = deque()
        self._taken: list[_Line] = []
        self._before = At()
        first = self._take()
        while first and not first.strip():
            first = self._take()
        self._delimiter = max(DELIMITERS, key=first.count)
        header = next(csv.reader([first], delimiter=self._delimiter), [])
        self._header = [name.strip() for name in header]
        if not any(self._header):
            raise InvalidInput("file", f"{opened.name} is empty", "Give a table whose first line names its columns.")
        self._columns = reading.table(self._header)

    def at(self) -> At:
        """Return how far it was read; lines that are read again are not passed yet."""
        if not self._again:
            self._before = super().at()
        return self._before

    def __iter__(self) -> Iterator[tuple[str, Row]]:
        """Yield where each row begins, and the row."""
        table = csv.reader(_Again(self._take), delimiter=self._delimiter, strict=True)
        while True:
            self._taken.clear()
            try:
                cells = next(table, None)
            except csv.Error as err:
                yield self._unreadable(err)
                continue
            if cells is None:
                return
            if cells:
                place = f"{self._name} line {self._taken[0].number}"
                yield place, self._row(cells, place)

    def _unreadable(self, err: csv.Error) -> tuple[str, Row]:
        """Set the first line aside; the others that its quote took are rows of their own."""
        first, *others = self._taken
        self._again.extendleft(reversed(others))
        place = f"{self._name} line {first.number}"
        problem = f"line: its quotes cannot be read ({err}). Close each quote, and double those within."
        return place, Rejected("feedback", Reason.MALFORMED, "line", problem, first.text.rstrip("\r\n"), place)

    def _row(self, cells: list[str], place: str) -> Row:
        if len(cells) != len(self._header) or any(line.is_cut for line in self._taken):
            problem = f"row: it has {len(cells)} cells, and the header {len(self._header)}. Write one for each column."
            return Rejected("feedback", Reason.MALFORMED, "row", problem, cells, place)
        return self._reading.row(self._columns, dict(zip(self._header, cells, strict=True)), place)

    def _take(self) -> str:
        if len(self._taken) == MOST_LINES:
            raise csv.Error(f"a cell goes on for more than {MOST_LINES} lines")
        if self._again:
            line = self._again.popleft()
        else:
            text = self._lines.next().decode(errors="backslashreplace")
            line = _Line(self._lines.number, text, self._lines.is_cut)
        if line.text:
            self._taken.append(line)
        return line.text


class _Again:
    """Lines until there are none; behind an end there may be some again, which Python's own iterators do not know."""

    def __init__(self, take: Callable[[], str]) -> None:
        self._take = take

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        if text := self._take():
            return text
        raise StopIteration


@dataclass(frozen=True, slots=True)
class _Line:
    number: int
    text: str
    is_cut: bool


class ParquetRows(Source):
    """A Parquet file, of which only the columns are read that give something."""

    def __init__(self, opened: Opened, reading: Reading) -> None:
        """Read the footer."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        self._name, self._reading = opened.name, reading
        try:
            self._file = pq.ParquetFile(opened.stream)
        except (pa.ArrowException, OSError) as err:
            raise InvalidInput("file", f"{opened.name} is not a whole Parquet file", "Get the whole file.") from err
        self._identity = f"{opened.stamp} {_identity(opened.stream)}"
        self._columns = reading.table(list(self._file.schema_arrow.names))
        self._done = self._skipped = 0

    def at(self) -> At:
        """Return how many rows were read, with what distinguishes the file."""
        return At(self._done, self._done, self._identity)

    def skip(self, begin: At) -> bool:
        """Go behind those that were read before; return whether it is the same file."""
        self._done = self._skipped = begin.position
        return begin.digest == self._identity

    def __iter__(self) -> Iterator[tuple[str, Row]]:
        """Yield where each row is, and the row."""
        for cells in self._cells():
            self._done += 1
            place = f"{self._name} row {self._done}"
            yield place, self._reading.row(self._columns, cells, place)

    def _cells(self) -> Iterator[Mapping[str, Any]]:
        group, skipped = 0, self._skipped
        while group < self._file.num_row_groups and skipped >= self._file.metadata.row_group(group).num_rows:
            skipped -= self._file.metadata.row_group(group).num_rows
            group += 1
        wanted = sorted(set(self._columns.named.values()))
        groups = list(range(group, self._file.num_row_groups))
        for batch in self._batches(groups, wanted):
            rest = batch.slice(skipped)
            skipped = max(skipped - batch.num_rows, 0)
            names, columns = rest.schema.names, [_plain(column) for column in rest.columns]
            for cells in zip(*columns, strict=True):
                yield dict(zip(names, cells, strict=True))

    def _batches(self, groups: list[int], wanted: list[str]) -> Iterable[Any]:
        import pyarrow as pa

        try:
            yield from self._file.iter_batches(AT_ONCE, row_groups=groups, columns=wanted)
        except (pa.ArrowException, OSError) as err:
            problem = f"{self._name} cannot be read behind row {self._done:,}: {str(err).splitlines()[0][:200]}"
            remedy = "What was read before is recorded; get the whole file."
            raise InvalidInput("file", problem, remedy) from err


def _plain(column: Any) -> list[Any]:
    import pyarrow as pa

    if pa.types.is_timestamp(column.type) and column.type.unit == "ns":
        column = column.cast(pa.timestamp("us", column.type.tz), safe=False)
    return list(column.to_pylist())


def _identity(stream: IO[bytes]) -> str:
    """Digest the footer, which has the place, size and statistics of every part, with the length of the file."""
    size = stream.seek(0, 2)
    stream.seek(size - 8)
    length = int.from_bytes(stream.read(4), "little")
    stream.seek(size - 8 - length)
    return sha256(str(size).encode() + stream.read(length)).hexdigest()
