"""Streams somebody's file into a Parquet file of texts, whose parts are looked at one after the other.

What the texts mean is found out in types.py.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from handrail.errors import HandrailError, InvalidInput
from handrail.files import DISK_ERRORS
from handrail.scaffold.formats import (
    SAVE_AS,
    TABLE,
    Dialect,
    checked_names,
    dialect_of,
    is_parquet,
    open_bytes,
)

BLOCK = 1 << 22
CELLS = 2_000_000
"""Of one part of a table."""
FEWEST_ROWS = 200
LETTERS = {"cp1252": "it is not UTF-8, so it is read as Windows-1252", "utf-16": "it is read as UTF-16"}
Progress = Callable[[float], None]
"""Is called with the part of the file that has been read, from 0 to 1."""


@dataclass(frozen=True, slots=True)
class Table:
    """A readable table: a Parquet file with distinct column names, which columns hold text, and what was noticed."""

    source: str
    parquet: Path
    names: tuple[str, ...]
    rows: int
    separator: str = ","
    notes: tuple[str, ...] = ()

    def scan(self) -> Any:
        """Return the table as a polars LazyFrame."""
        import polars

        return polars.scan_parquet(self.parquet, glob=False)

    def parts(self) -> Iterator[tuple[int, Any]]:
        """Yield slices of about two million cells, polars LazyFrames in order, each with how many rows come before."""
        rows = max(1, CELLS // len(self.names))
        for first in range(0, self.rows, rows):
            yield first, self.scan().slice(first, rows)


def read_table(file: Path, place: Path, progress: Progress, fewest: int = FEWEST_ROWS) -> Table:
    """Read a CSV or Parquet file; what has to be written for that is written into the folder `place`.

    Raises:
        InvalidInput: it is no table, or has fewer than `fewest` rows.
        MissingFile: it is not there.
        OSError: the disk is full.
    """
    in_texts = place / "texts.parquet"
    table = _parquet(file) if is_parquet(file) else _csv(file, dialect_of(file), in_texts, progress)
    if table.rows == 0:
        raise InvalidInput(TABLE, f"{file.name!r} has column names and no rows", "Give a file with rows.")
    if table.rows < fewest:
        raise InvalidInput(
            TABLE, f"{file.name!r} has {table.rows} rows", f"Give at least {fewest}: fewer cannot be judged."
        )
    return table


@contextmanager
def by_polars(source: str) -> Iterator[None]:
    """Make an OSError of what the disk refuses polars in the block, and a sentence about the table of anything else.

    Raises:
        InvalidInput: the table is damaged.
    """
    import polars

    try:
        yield
    except polars.exceptions.PolarsError as err:
        refused = re.search(r"\(os error (\d+)\)", str(err))
        if refused is not None:
            raise OSError(int(refused[1]), os.strerror(int(refused[1]))) from err
        problem = f"{source!r} cannot be read: {str(err).splitlines()[0][:200]}"
        raise InvalidInput(TABLE, problem.rstrip("."), "Make the file again; it may be damaged.") from err


def _parquet(file: Path) -> Table:
    import pyarrow
    import pyarrow.parquet

    try:
        metadata = pyarrow.parquet.read_metadata(file)
        names = tuple(metadata.schema.to_arrow_schema().names)
    except (pyarrow.ArrowException, OSError) as err:
        problem = f"{file.name!r} cannot be read as Parquet"
        raise InvalidInput(TABLE, problem, "Make the file again; it may have been cut off.") from err
    if checked_names(names) != names:
        raise InvalidInput(TABLE, "it has two columns of one name, or one with an empty name", "Rename them.")
    return Table(file.name, file, names, metadata.num_rows)


def _csv(file: Path, dialect: Dialect, target: Path, progress: Progress) -> Table:
    try:
        rows = _convert(file, dialect, target, progress)
    except UnicodeError:
        if dialect.encoding != "utf-8":
            raise InvalidInput(TABLE, f"{file.name!r} mixes encodings", f"{SAVE_AS} in UTF-8.") from None
        dialect = replace(dialect, encoding="cp1252")
        rows = _convert(file, dialect, target, progress)
    notes = [f"{file.name}: {LETTERS[dialect.encoding]}."] if dialect.encoding in LETTERS else []
    if dialect.separator != ",":
        shown = {"\t": "tabs", ";": "';'", "|": "'|'"}[dialect.separator]
        notes.append(f"{file.name}: its columns are separated by {shown}.")
    return Table(file.name, target, dialect.names, rows, dialect.separator, tuple(notes))


def _convert(file: Path, dialect: Dialect, target: Path, progress: Progress) -> int:
    """Write each cell as text; return the number of rows."""
    import pyarrow
    from pyarrow import csv, parquet

    size, rows = max(file.stat().st_size, 1), 0
    schema = pyarrow.schema([(name, pyarrow.string()) for name in dialect.names])
    stream, raw = open_bytes(file, dialect.compression)
    wrong: list[Any] = []
    with closing(raw):
        try:
            batches = csv.open_csv(stream, **_how_to_read(dialect, wrong))
            with parquet.ParquetWriter(target, schema, compression="zstd") as writer:
                for batch in batches:
                    writer.write_batch(batch.cast(schema) if batch.schema != schema else batch)
                    rows += batch.num_rows
                    progress(raw.seek(0, os.SEEK_CUR) / size)
        except UnicodeDecodeError:
            raise
        except (pyarrow.ArrowException, OSError, EOFError) as err:
            raise _sentence(file, err, wrong, rows) from err
    return rows


def _how_to_read(dialect: Dialect, wrong: list[Any]) -> dict[str, Any]:
    import pyarrow
    from pyarrow import csv

    def refuse(row: Any) -> str:
        wrong.append(row)
        return "error"

    encoding = "utf8" if dialect.encoding.startswith("utf-8") else dialect.encoding
    return {
        "read_options": csv.ReadOptions(
            column_names=list(dialect.names),
            skip_rows=dialect.header_lines,
            block_size=BLOCK,
            encoding=encoding,
            use_threads=False,
        ),
        "parse_options": csv.ParseOptions(
            delimiter=dialect.separator, newlines_in_values=True, invalid_row_handler=refuse
        ),
        "convert_options": csv.ConvertOptions(
            column_types=dict.fromkeys(dialect.names, pyarrow.string()), strings_can_be_null=False
        ),
    }


def _sentence(file: Path, err: Exception, wrong: list[Any], rows: int) -> Exception:
    """Return what to raise for what went wrong after `rows` rows."""
    if isinstance(err, OSError) and err.errno in DISK_ERRORS:
        return OSError(err.errno, os.strerror(err.errno))
    if "invalid UTF8" in str(err):
        return UnicodeError(str(err))
    if wrong:
        row = wrong[0]
        where = f"row {row.number}" if row.number else f"a row after row {rows}"
        problem = (
            f"{where} has {row.actual_columns} columns, and the first line {row.expected_columns}: {row.text[:60]!r}"
        )
        return InvalidInput(TABLE, problem, "Correct that row; a text that holds the separator needs quotes.")
    if "CSV" in str(err) or "Empty" in str(err):
        if "Empty CSV" in str(err):
            return InvalidInput(TABLE, f"{file.name!r} has column names and no rows", "Give a file with rows.")
        return InvalidInput(TABLE, f"{file.name!r} cannot be read after row {rows}: {err}".rstrip("."), f"{SAVE_AS}.")
    return _cut_off(file, rows)


def _cut_off(file: Path, rows: int) -> HandrailError:
    problem = f"{file.name!r} cannot be read after row {rows}"
    return InvalidInput(TABLE, problem, "Make the file again; it may have been cut off.")
