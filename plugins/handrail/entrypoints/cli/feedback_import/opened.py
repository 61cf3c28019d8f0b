"""Opens a file of rows: unpacked, of a known form, its bytes read in lines that are counted and digested."""

from __future__ import annotations

import codecs
import gzip
import io
import shutil
import sys
import tempfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import IO, Any, Literal

from handrail.errors import InvalidInput
from handrail.tools import require

Form = Literal["ndjson", "csv", "parquet"]
FORMS: tuple[Form, ...] = ("ndjson", "csv", "parquet")
SUFFIXES: dict[str, Form] = {
    ".ndjson": "ndjson",
    ".jsonl": "ndjson",
    ".csv": "csv",
    ".tsv": "csv",
    ".parquet": "parquet",
}
PACKED = (".gz", ".gzip", ".zst", ".zstd")
GZIP, ZSTD, PARQUET = b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"PAR1"
BYTE_ORDER_MARK = codecs.BOM_UTF8
LONGEST_LINE = 8 << 20
PART, BLOCK = 1 << 14, 1 << 20


@dataclass
class Opened:
    """A file that is being read: its form, its unpacked bytes, and how much of it has been read, 0 to 1."""

    name: str
    form: Form
    stream: IO[bytes]
    part: Callable[[], float | None]
    stamp: str
    """Length and last change of the file, empty for stdin."""
    _closing: ExitStack

    def close(self) -> None:
        """Close it, and what was made for it."""
        self._closing.close()


def open_rows(file: str, form: str | None = None) -> Opened:
    """Open a file, or stdin for -: packed or not, of the form named or the one that its name or beginning shows.

    Raises:
        InvalidInput: there is no such file, or no such form.
        MissingTool: zstd or Parquet, without pyarrow.
    """
    if form is not None:
        _checked(form)
    if file != "-" and not Path(file).is_file():
        raise InvalidInput("file", f"there is no file {file!r}", "Give the path of a file, or - for stdin.")
    name = "stdin" if file == "-" else Path(file).name
    with ExitStack() as closing:
        raw: Any = sys.stdin.buffer if file == "-" else closing.enter_context(Path(file).open("rb"))
        # A stream of something else than a file may lack `peek`.
        raw = raw if hasattr(raw, "peek") else io.BufferedReader(raw)
        with _readable(name, 0):
            stream = _unpacked(raw, closing)
            begins = stream.peek(PART)
        found = _checked(form) if form else _form_of(name, begins)
        if found == "parquet":
            require("pyarrow", "parquet")
            stream = _whole(stream, closing) if stream is not raw or file == "-" else raw
        elif begins[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
            stream = io.BufferedReader(_Recoded(stream))
        about = None if file == "-" else Path(file).stat()
        size, stamp = (about.st_size, f"{about.st_size} {about.st_mtime_ns}") if about else (0, "")

        def part() -> float | None:
            return min(raw.seek(0, 1) / size, 1) if size else None

        return Opened(name, found, stream, part, stamp, closing.pop_all())


class _Parts(io.RawIOBase):
    """What a packed file holds, in small parts: of one that is cut off all but the last part can be read."""

    def __init__(self, read: Callable[[int], bytes]) -> None:
        self._read = read

    def readable(self) -> bool:
        return True

    def readinto(self, into: memoryview) -> int:  # type: ignore[override]
        data = self._read(min(len(into), PART))
        into[: len(data)] = data
        return len(data)


class _Recoded(io.RawIOBase):
    """A text in UTF-16 as UTF-8; what is no character is escaped."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._text = io.TextIOWrapper(stream, encoding="utf-16", errors="backslashreplace", newline="")

    def readable(self) -> bool:
        return True

    def readinto(self, into: memoryview) -> int:  # type: ignore[override]
        # No character has more than four bytes in UTF-8.
        data = self._text.read(len(into) // 4).encode()
        into[: len(data)] = data
        return len(data)


def _checked(form: str) -> Form:
    found = next((each for each in FORMS if each == form), None)
    if found is None:
        raise InvalidInput("--format", f"{form!r} is unknown", f"Use one of {', '.join(FORMS)}.")
    return found


def _unpacked(raw: Any, closing: ExitStack) -> Any:
    begins = raw.peek(4)[:4]
    if begins.startswith(GZIP):
        return io.BufferedReader(_Parts(closing.enter_context(gzip.GzipFile(fileobj=raw)).read1), BLOCK)
    if begins == ZSTD:
        require("pyarrow", "parquet")
        import pyarrow as pa

        return io.BufferedReader(_Parts(pa.CompressedInputStream(pa.PythonFile(raw, mode="r"), "zstd").read), BLOCK)
    return raw


def _form_of(name: str, begins: bytes) -> Form:
    """Return the form that a file's name says, else the one that it begins like."""
    path = Path(name)
    suffix = (Path(path.stem) if path.suffix.lower() in PACKED else path).suffix.lower()
    if begins.startswith(PARQUET):
        return "parquet"
    if suffix in SUFFIXES:
        return SUFFIXES[suffix]
    text = begins.removeprefix(BYTE_ORDER_MARK).replace(b"\0", b"").lstrip(b"\xff\xfe \r\n")
    first = text.partition(b"\n")[0]
    is_table = b"{" not in first and not first.startswith(b"[") and any(each in first for each in (b",", b";", b"\t"))
    return "csv" if is_table else "ndjson"


def _whole(stream: IO[bytes], closing: ExitStack) -> IO[bytes]:
    """Return a file that can be read in any order, with what a stream holds."""
    whole = closing.enter_context(tempfile.TemporaryFile())  # noqa: SIM115 - `closing` closes it
    shutil.copyfileobj(stream, whole, BLOCK)
    whole.seek(0)
    return whole


class _readable:  # noqa: N801 - used as a statement
    """Makes one sentence of what shows that a file is cut off or damaged."""

    def __init__(self, name: str, line: int) -> None:
        self._name, self._line = name, line

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, err: BaseException | None, _at: object) -> None:
        if isinstance(err, EOFError | zlib.error | OSError):
            where = f"behind line {self._line:,}" if self._line else "at its beginning"
            problem = f"{self._name} cannot be read {where}: {str(err).rstrip('.') or type(err).__name__}"
            raise InvalidInput("file", problem, "What was read before is recorded; get the whole file.") from err


class Lines:
    """The lines of a stream as bytes, with how far it was read and the digest of all that was."""

    def __init__(self, opened: Opened) -> None:
        """Begin at the first line."""
        self._opened = opened
        self._digest = sha256()
        self.position = self.number = 0
        self.is_cut = False
        """Whether the last line was longer than any row is: its rest is left out."""

    def __iter__(self) -> Iterator[bytes]:
        while line := self.next():
            yield line

    def next(self) -> bytes:
        """Return the next line, nothing at the end.

        Raises:
            InvalidInput: the file is cut off or damaged.
        """
        line = self._read(LONGEST_LINE)
        self.is_cut = len(line) == LONGEST_LINE and not line.endswith(b"\n")
        rest = line if self.is_cut else b""
        while rest and not rest.endswith(b"\n"):
            rest = self._read(BLOCK)
        if line:
            self.number += 1
        # Files that were joined have their marks within.
        return line.removeprefix(BYTE_ORDER_MARK) if line != BYTE_ORDER_MARK else b"\n"

    def _read(self, most: int) -> bytes:
        with _readable(self._opened.name, self.number):
            line = self._opened.stream.readline(most)
        self.position += len(line)
        self._digest.update(line)
        return line

    def digest(self) -> str:
        """Return the sha256 of all that was read, in hex."""
        return self._digest.hexdigest()

    def skip(self, until: int, number: int, digest: str) -> bool:
        """Read on to a position behind line `number`; return whether everything before is what has that digest."""
        while self.position < until:
            with _readable(self._opened.name, self.number):
                block = self._opened.stream.read(min(BLOCK, until - self.position))
            if not block:
                return False
            self.position += len(block)
            self._digest.update(block)
        self.number = number
        return self.position == until and self.digest() == digest
