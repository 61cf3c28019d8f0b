"""Moves spooled predictions into the log: each file from its offset on, in order, again after any interruption."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

from handrail.errors import InvalidInput, Unavailable
from handrail.feedback.adapters.spool_lines import from_line
from handrail.feedback.domain.summaries import Spooled
from handrail.feedback.domain.values import Prediction, Receipt
from handrail.files import replace_file

SUFFIX = ".ndjson"
OFFSET_SUFFIX = ".offset"
REJECTED = "rejected.log"
CHUNK_BYTES = 4 * 1024 * 1024

Record = Callable[[Sequence[Prediction]], Receipt]
"""Records predictions durably, all or none; repeating it changes nothing. `FeedbackLog.record_predictions` is one."""


def drain_folder(folder: Path, record: Record) -> Receipt:
    """Record every complete line of every spool file in `folder`; wait while another process does the same.

    Raises:
        Unavailable: the log or the folder is not there; what was recorded before stays recorded.
    """
    if not folder.is_dir():
        return Receipt()
    try:
        with locked(folder / "drain.lock"):
            return sum((_drain_file(path, record) for path in sorted(folder.glob(f"*{SUFFIX}"))), Receipt())
    except OSError as err:
        problem = err.strerror or str(err)
        raise Unavailable(f"The spool {folder}", problem, "Nothing is lost; correct it and drain again.") from err


def waiting_in(folder: Path) -> Spooled:
    """Return what the files of a folder hold that is not recorded yet; a line that cannot be read has no moment.

    Raises:
        Unavailable: the folder cannot be read.
    """
    waiting = Spooled()
    try:
        for path in folder.glob(f"*{SUFFIX}"):
            waiting = _with_waiting(path, waiting)
    except OSError as err:
        raise Unavailable(f"The spool {folder}", err.strerror or str(err), "Correct its permissions.") from err
    return waiting


def _with_waiting(path: Path, waiting: Spooled) -> Spooled:
    try:
        offset = offset_of(path)
        with path.open("rb") as file:
            file.seek(offset)
            first = file.readline()
            rest = os.fstat(file.fileno()).st_size - offset
    except FileNotFoundError:  # a drainer has just removed it
        return waiting
    if rest <= 0:
        return waiting
    try:
        made: tuple[datetime, ...] = (from_line(first).made_at,)
    except InvalidInput:
        made = ()
    moments = [each for each in (waiting.oldest, *made) if each is not None]
    return Spooled(waiting.bytes + rest, min(moments, default=None))


def offset_of(path: Path) -> int:
    """Return up to where a file of a spool is in the log."""
    offsets = path.with_suffix(OFFSET_SUFFIX)
    return int(offsets.read_text(encoding="ascii")) if offsets.exists() else 0


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Keep other drainers of the folder out while the block runs."""
    fd = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX)
        yield
    finally:
        os.close(fd)


def _drain_file(path: Path, record: Record) -> Receipt:
    receipt = Receipt()
    offsets = path.with_suffix(OFFSET_SUFFIX)
    offset = offset_of(path)
    with path.open("rb") as file:
        ended = _writer_has_ended(file.fileno())
        file.seek(offset)
        while chunk := _complete_lines(file):
            receipt += record(_readable(path, offset, chunk))
            offset += len(chunk)
            file.seek(offset)
            replace_file(offsets, str(offset).encode("ascii"))
        if ended:
            file.seek(offset)
            if torn := file.read():
                _reject(path, offset, torn, "the process ended while it wrote this, before it answered")
            path.unlink()
            offsets.unlink(missing_ok=True)
    return receipt


def _complete_lines(file: BinaryIO) -> bytes:
    chunk = file.read(CHUNK_BYTES)
    if not chunk.endswith(b"\n"):
        chunk += file.readline()
    return chunk[: chunk.rfind(b"\n") + 1]


def _writer_has_ended(fd: int) -> bool:
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _readable(path: Path, offset: int, chunk: bytes) -> list[Prediction]:
    predictions = []
    for line in chunk.splitlines(keepends=True):
        try:
            predictions.append(from_line(line))
        except InvalidInput as err:
            _reject(path, offset, line, str(err))
        offset += len(line)
    return predictions


def _reject(path: Path, offset: int, line: bytes, reason: str) -> None:
    entry = {"file": path.name, "offset": offset, "reason": reason, "line": line.decode(errors="backslashreplace")}
    with (path.parent / REJECTED).open("a", encoding="utf-8") as rejected:
        rejected.write(json.dumps(entry) + "\n")
        rejected.flush()
        os.fsync(rejected.fileno())
