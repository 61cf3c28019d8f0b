"""A file beside a serving process that holds predictions between the answer and the log.

`append` returns when the kernel has the bytes, which a killed process cannot lose. A background thread syncs them to
disk within `SYNC_WITHIN_S`; a power cut may lose what is younger than that.
"""

from __future__ import annotations

import fcntl
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

from handrail.errors import Unavailable
from handrail.feedback.adapters.spool_drain import SUFFIX, Record, drain_folder, waiting_in
from handrail.feedback.adapters.spool_lines import to_line
from handrail.feedback.domain.summaries import Spooled
from handrail.feedback.domain.values import Prediction, Receipt
from handrail.files import sync_folder

SYNC_WITHIN_S = 0.05
ROTATE_BYTES = 64 * 1024 * 1024
LOST = "A power cut may lose the last answers before this; free or replace the disk, and start the process again."
REMEDY = "The answer was not given; free the disk under it and send the request again."


class PredictionSpool:
    """Appends predictions to a file of this process; drains the files of all processes. Safe between threads."""

    def __init__(
        self,
        folder: Path,
        rotate_bytes: int = ROTATE_BYTES,
        named: Callable[[Prediction], Prediction] = lambda one: one,
    ) -> None:
        """Use `folder`; made at the first append. A file past `rotate_bytes` is followed by another.

        `named` gives a prediction the name of its subject that the log has, before anything is written.
        """
        self._folder = folder
        self._named = named
        self._rotate_bytes = rotate_bytes
        self._lock = threading.Lock()
        self._file: _SpoolFile | None = None
        self._owner = 0
        self._failure: OSError | None = None

    def append(self, predictions: Sequence[Prediction]) -> None:
        """Write the predictions behind everything written before; call it before their answer leaves.

        Raises:
            Unavailable: they could not be written whole, or an earlier write could not be synced: do not answer.
            Misconfigured: subjects are keyed, and the key is gone or another one: do not answer.
        """
        data = b"".join(to_line(self._named(each)) for each in predictions)
        if not data:
            return
        with self._lock, self._translated(REMEDY):
            if self._failure is not None:
                raise self._failure
            self._current().write(data)

    def drain(self, record: Record) -> Receipt:
        """Record what every process has spooled so far; safe to repeat, to interrupt and to run twice at once.

        Lines that cannot be read are set aside in `rejected.log` beside the spool. Files of ended processes are removed
        once all of their lines are recorded.

        Raises:
            Unavailable: the log or the folder is not there; what was recorded before stays recorded.
        """
        return drain_folder(self._folder, record)

    def waiting(self) -> Spooled:
        """Return what was answered by any process and is not in the log yet.

        Raises:
            Unavailable: the folder cannot be read.
        """
        return waiting_in(self._folder)

    def close(self) -> None:
        """Sync and close this process's file. A later append opens another one.

        Raises:
            Unavailable: what was appended could not be synced; then nothing more is taken.
        """
        with self._lock, self._translated(LOST):
            self._close_file()

    @contextmanager
    def _translated(self, remedy: str) -> Iterator[None]:
        try:
            yield
        except OSError as err:
            raise Unavailable(f"The spool {self._folder}", err.strerror or str(err), remedy) from err

    def _close_file(self) -> None:
        file, self._file = self._file, None
        # After a fork the parent's file stays the parent's.
        if file is None or self._owner != os.getpid():
            return
        try:
            file.close()
        except OSError as err:
            self._failure = err
            raise

    def _current(self) -> _SpoolFile:
        if self._file is not None and self._owner == os.getpid() and self._file.size < self._rotate_bytes:
            return self._file
        self._close_file()
        self._file = _SpoolFile(self._folder)
        self._owner = os.getpid()
        return self._file


class _SpoolFile:
    """One file with one writer, whose lock on it says that it is alive."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._fd = _create_locked(folder)
        self.size = 0
        self._torn = False
        self._failure: OSError | None = None
        self._dirty = threading.Event()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._sync_when_dirty, name="handrail-spool-sync", daemon=True)
        self._thread.start()

    def write(self, data: bytes) -> None:
        if self._failure is not None:
            raise self._failure
        # What a failed write left behind becomes a separate line, which draining sets aside.
        data = b"\n" + data if self._torn else data
        self._torn = True
        rest = memoryview(data)
        while rest:
            written = os.write(self._fd, rest)
            self.size += written
            rest = rest[written:]
        self._torn = False
        self._dirty.set()

    def close(self) -> None:
        self._closing.set()
        self._dirty.set()
        self._thread.join()
        try:
            if self._failure is not None:
                raise self._failure
            os.fdatasync(self._fd)
        finally:
            os.close(self._fd)

    def _sync_when_dirty(self) -> None:
        while not self._closing.is_set():
            self._dirty.wait()
            self._closing.wait(SYNC_WITHIN_S / 2)
            self._dirty.clear()
            try:
                os.fdatasync(self._fd)
            except OSError as err:
                # The kernel may have dropped the pages: nothing behind them can be promised any more.
                self._failure = err
                return


def _create_locked(folder: Path) -> int:
    while True:
        path = folder / f"{os.getpid()}-{uuid4().hex}{SUFFIX}"
        fd = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL, 0o600)
        fcntl.flock(fd, fcntl.LOCK_SH)
        # A drainer may have taken the new, empty file for that of an ended process and removed it.
        if path.exists():
            sync_folder(folder)
            return fd
        os.close(fd)
