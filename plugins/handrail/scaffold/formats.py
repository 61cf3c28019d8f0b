"""What sort of file somebody's table is: Parquet or CSV, compressed or not, in which letters and with which separator.

Looks at the beginning only; reading.py reads the whole.
"""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from handrail.errors import InvalidInput, MissingFile

TABLE = "--table"
MOST_COLUMNS = 2_000
BEGINNING = 1 << 20
LONGEST_HEADER = 1 << 28
SEPARATORS = (",", ";", "\t", "|")
COMPRESSIONS = {b"\x1f\x8b": "gzip", b"\x28\xb5\x2f\xfd": "zstd"}
OTHERS = {
    b"PK\x03\x04": "an archive or a workbook",
    b"\xd0\xcf\x11\xe0": "a workbook",
    b"SQLite format 3": "a SQLite database",
    b"%PDF": "a PDF",
    b"BZh": "compressed with bzip2",
    b"\xfd7zXZ": "compressed with xz",
    b"ARROW1": "an Arrow file",
    b"ORC": "an ORC file",
}
MARKS = {b"\xef\xbb\xbf": "utf-8-sig", b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}
SAVE_AS = "Save it as CSV (also .gz or .zst) or Parquet"


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a CSV is written; `header_lines` lines come before the first row."""

    compression: str | None
    encoding: str
    separator: str
    names: tuple[str, ...]
    header_lines: int


def is_parquet(file: Path) -> bool:
    """Say whether a file is Parquet.

    Raises:
        MissingFile: it is not there.
        InvalidInput: it is a folder, empty, cannot be read, or a sort of file that holds no table.
    """
    beginning = _beginning(file)
    for magic, what in OTHERS.items():
        if beginning.startswith(magic):
            raise InvalidInput(TABLE, f"{file.name!r} is {what}", f"{SAVE_AS}.")
    return beginning.startswith(b"PAR1")


def open_bytes(file: Path, compression: str | None) -> tuple[Any, Any]:
    """Open a file; return the stream of its content, and the file itself whose position shows how far it is read."""
    import pyarrow

    raw = file.open("rb")
    if compression is None:
        return raw, raw
    return pyarrow.CompressedInputStream(pyarrow.PythonFile(raw), compression), raw


def dialect_of(file: Path) -> Dialect:
    """Find out how a CSV is written, from its beginning.

    Raises:
        InvalidInput: it is no table, has no column names, or more than 2,000 columns.
    """
    beginning = _beginning(file)
    compression = next((name for magic, name in COMPRESSIONS.items() if beginning.startswith(magic)), None)
    head = _read(file, compression, BEGINNING)
    if b"\n" not in head and b"\r" not in head and len(head) == BEGINNING:
        head = _read(file, compression, LONGEST_HEADER, first_line=True)
    encoding = encoding_of(head)
    if "utf-16" not in encoding and b"\0" in head:
        raise InvalidInput(TABLE, f"{file.name!r} is neither text nor Parquet", f"{SAVE_AS}.")
    text = head.decode(encoding, errors="replace")
    if not text.strip():
        raise InvalidInput(TABLE, f"{file.name!r} is empty", "Give a file with a line of column names and rows.")
    if text.lstrip()[0] in "{[<":
        what = "HTML or XML" if text.lstrip()[0] == "<" else "JSON"
        raise InvalidInput(TABLE, f"{file.name!r} is {what}", f"{SAVE_AS}.")
    separator = _separator(text)
    names, lines = _header(text, separator)
    return Dialect(compression, encoding, separator, checked_names(names), lines)


def encoding_of(head: bytes) -> str:
    """Return the encoding that a byte order mark names; UTF-8 if the bytes are that, otherwise Windows' Latin."""
    for mark, encoding in MARKS.items():
        if head.startswith(mark):
            return encoding
    try:
        head[: head.rfind(b"\n") + 1 or None].decode("utf-8")
    except UnicodeDecodeError:
        return "cp1252"
    return "utf-8"


def checked_names(names: Sequence[str]) -> tuple[str, ...]:
    """Return distinct, non-empty column names: a missing one is its number, a repeated one gets a number.

    Raises:
        InvalidInput: there are too many.
    """
    if len(names) > MOST_COLUMNS:
        raise InvalidInput(
            TABLE, f"it has {len(names):,} columns, at most {MOST_COLUMNS:,} are taken", "Write a narrower file."
        )
    stripped = [name.strip() or f"column {number}" for number, name in enumerate(names, 1)]
    used, distinct, seen = set(stripped), [], Counter[str]()
    for name in stripped:
        seen[name] += 1
        fresh = name
        while seen[name] > 1 and fresh in used:
            fresh = f"{name} ({seen[name]})"
            seen[name] += fresh in used
        used.add(fresh)
        distinct.append(fresh)
    return tuple(distinct)


def _beginning(file: Path) -> bytes:
    if file.is_dir():
        raise InvalidInput(TABLE, f"{str(file)!r} is a folder", "Give one file, CSV or Parquet.")
    try:
        with file.open("rb") as stream:
            beginning = stream.read(16)
    except FileNotFoundError as err:
        raise MissingFile(str(file), "Give --table a CSV or Parquet file.") from err
    except OSError as err:
        problem = f"{str(file)!r} cannot be read: {(err.strerror or str(err)).lower()}"
        raise InvalidInput(TABLE, problem, "Correct its permissions.") from err
    if not beginning:
        raise InvalidInput(TABLE, f"{file.name!r} is empty", "Give a file with a line of column names and rows.")
    return beginning


def _read(file: Path, compression: str | None, most: int, *, first_line: bool = False) -> bytes:
    """Return the first `most` bytes of the content, or less if they hold the first line."""
    stream, raw = open_bytes(file, compression)
    head = bytearray()
    with closing(raw):
        try:
            while len(head) < most and (part := stream.read(min(BEGINNING, most - len(head)))):
                head += part
                if first_line and (b"\n" in part or b"\r" in part):
                    break
        except (OSError, EOFError, ValueError) as err:
            raise InvalidInput(
                TABLE, f"{file.name!r} cannot be decompressed", "Make the file again; it may have been cut off."
            ) from err
    return bytes(head)


def _separator(text: str) -> str:
    """Return the separator that gives the first lines most columns, as many in each."""
    lines = text.lstrip("\r\n").splitlines()[:20]
    counts = {each: [len(row) for row in csv.reader(lines, delimiter=each)] for each in SEPARATORS}
    return max(SEPARATORS, key=lambda each: (min(counts[each], default=0) > 1, (counts[each] or [0])[0]))


def _header(text: str, separator: str) -> tuple[list[str], int]:
    """Return the column names, and how many lines come before the first row."""
    csv.field_size_limit(LONGEST_HEADER)
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    try:
        for row in rows:
            if any(cell.strip() for cell in row):
                return row, rows.line_num
    except csv.Error as err:
        raise InvalidInput(TABLE, f"its first line cannot be read: {err}", f"{SAVE_AS}.") from err
    raise InvalidInput(TABLE, "it has no column names", "Write them into the first line.")
