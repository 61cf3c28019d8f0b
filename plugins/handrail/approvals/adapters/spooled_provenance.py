"""Who made what, kept in a file while the store is locked or away: training waits a moment, and no maker is lost."""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Callable, Collection
from contextlib import suppress
from pathlib import Path

from handrail.approvals.domain.subject import Authorship, Candidate
from handrail.approvals.ports import Provenance
from handrail.errors import Unavailable
from handrail.files import DISK_ERRORS
from handrail.manifest import Manifest

PAUSE_S = 5.0
"""How long the store is not asked again after it did not answer."""


class SpooledProvenance(Provenance):
    """Keeps the promise of `Provenance` in front of another that may be unavailable.

    What could not be recorded is on disk before the call returns, and is recorded before anybody is asked who made
    something: until then nothing can be promoted.
    """

    def __init__(self, inner: Provenance, file: Path, clock: Callable[[], float] = time.monotonic) -> None:
        """Record through `inner`, and into `file` while that does not answer; `clock` counts seconds."""
        self._inner = inner
        self._file = file
        self._clock = clock
        self._lock = threading.Lock()
        self._retry_at = 0.0

    def record(self, kind: str, key: str, account: str) -> None:
        """Remember durably that the account made this."""
        self._remember("record", kind, key, account)

    def record_upload(self, sha256: str, account: str) -> None:
        """Remember durably who was the first to upload a file with these bytes."""
        self._remember("record_upload", sha256, account)

    def record_parent(self, run_id: str, parent: str) -> None:
        """Remember durably that a run was once a child of another."""
        self._remember("record_parent", run_id, parent)

    def makers(self, candidate: Candidate, manifest: Manifest, approved: Collection[str] = ()) -> Authorship:
        """Return who made the candidate, once everything that waited is recorded.

        Raises:
            Unavailable: the store still does not answer.
        """
        with self._lock:
            self._drain()
        return self._inner.makers(candidate, manifest, approved)

    def _remember(self, what: str, *about: str) -> None:
        if self._clock() < self._retry_at or self._file.exists():
            with self._lock:
                if self._clock() < self._retry_at or not self._drained():
                    return self._spool(what, about)
        try:
            return self._record(what, about)
        except Unavailable:
            with self._lock:
                self._retry_at = self._clock() + PAUSE_S
                return self._spool(what, about)

    def _drained(self) -> bool:
        try:
            self._drain()
        except Unavailable:
            self._retry_at = self._clock() + PAUSE_S
            return False
        return True

    def _drain(self) -> None:
        if not self._file.exists():
            return
        for line in self._waiting():
            with suppress(ValueError):  # a stop cut this line, and then nobody was answered
                what, *about = json.loads(line)
                self._record(what, tuple(about))
        self._file.unlink()

    def _waiting(self) -> list[str]:
        try:
            return self._file.read_text(encoding="utf-8").split("\n")
        except OSError as err:
            raise Unavailable(str(self._file), f"it cannot be read: {err.strerror}", "Make it readable.") from err

    def _record(self, what: str, about: tuple[str, ...]) -> None:
        getattr(self._inner, what)(*about)

    def _spool(self, what: str, about: tuple[str, ...]) -> None:
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            with open(self._file, "a", encoding="utf-8", opener=_private) as file:  # noqa: PTH123 - a Path takes no opener
                # Each line begins anew: the one before may have been cut.
                file.write("\n" + json.dumps([what, *about]) + "\n")
                file.flush()
                os.fsync(file.fileno())
        except OSError as err:
            free = "Free the disk" if err.errno in DISK_ERRORS else "Make it writable"
            raise Unavailable(str(self._file), f"it cannot be written: {err.strerror}", f"{free} and repeat.") from err


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
