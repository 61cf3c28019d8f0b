"""Who made what, written to a file within the call and to the store soon after: training waits for no disk of ours."""

from __future__ import annotations

import json
import logging
import os
import threading
from collections.abc import Collection, Iterable
from pathlib import Path

from handrail.approvals.domain.subject import Authorship, Candidate
from handrail.approvals.ports import Provenance
from handrail.errors import HandrailError, Unavailable
from handrail.files import DISK_ERRORS
from handrail.manifest import Manifest

GATHERED_FOR_S = 0.02
"""How long records are gathered before they are stored as one transaction."""
PAUSE_S = 5.0
"""How long the store is not asked again after it did not answer."""
MOST_REMEMBERED = 100_000

_VALUES = {"record": 3, "record_upload": 2, "record_parent": 2}

_log = logging.getLogger("handrail.approvals")


class SpooledProvenance(Provenance):
    """Keeps the promise of `Provenance` in front of another, which may be slow or away.

    What is recorded is in the file before the call returns, so that the end of the process loses nothing; a thread
    stores it moments later, many records together. Everything that waits is stored before anybody is asked who made
    something: until then nothing can be promoted. A power cut can lose what was recorded in the last moments. A run, a
    version or a folder whose only maker is lost so cannot be promoted.
    """

    def __init__(self, inner: Provenance, file: Path, pause_s: float = PAUSE_S) -> None:
        """Record through `inner` what is in `file`; an earlier process may have left some."""
        self._inner = inner
        self._file = file
        self._taken = file.with_name(f"{file.name}.taken")
        self._pause_s = pause_s
        self._appending, self._storing = threading.Lock(), threading.Lock()
        self._wanted = threading.Event()
        self._process: int | None = None
        self._remembered: set[tuple[str, ...]] = set()

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
        self.store()
        return self._inner.makers(candidate, manifest, approved)

    def record_all(self, records: Iterable[tuple[str, ...]]) -> None:
        """Remember each of these."""
        for record in records:
            self._remember(*record)

    def store(self) -> None:
        """Store everything that waits.

        Raises:
            Unavailable: the store does not answer, or the file cannot be read.
        """
        with self._storing:
            # What an interruption left is older than the rest: of two uploads of the same bytes the first counts.
            self._store_taken()
            with self._appending:
                if not self._file.exists():
                    return
                self._file.replace(self._taken)
            self._store_taken()

    def _remember(self, *record: str) -> None:
        if record in self._remembered:
            return
        self._append(json.dumps(record))
        if len(self._remembered) >= MOST_REMEMBERED:
            self._remembered.clear()
        self._remembered.add(record)
        self._wake()

    def _append(self, line: str) -> None:
        try:
            with self._appending:
                self._file.parent.mkdir(parents=True, exist_ok=True)
                descriptor = os.open(self._file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
                try:
                    # One write; it begins anew, since the line before may have been cut.
                    os.write(descriptor, f"\n{line}\n".encode())
                finally:
                    os.close(descriptor)
        except OSError as err:
            free = "Free the disk" if err.errno in DISK_ERRORS else "Make it writable"
            raise Unavailable(str(self._file), f"it cannot be written: {err.strerror}", f"{free} and repeat.") from err

    def _store_taken(self) -> None:
        if not self._taken.exists():
            return
        self._inner.record_all([record for line in self._lines() if (record := _record_in(line))])
        self._taken.unlink()

    def _lines(self) -> list[str]:
        try:
            return self._taken.read_text(encoding="utf-8", errors="replace").split("\n")
        except OSError as err:
            raise Unavailable(str(self._taken), f"it cannot be read: {err.strerror}", "Make it readable.") from err

    def _wake(self) -> None:
        self._wanted.set()
        if self._process != os.getpid():
            # A thread does not live on in a process that was forked.
            self._process = os.getpid()
            threading.Thread(target=self._run, name="handrail-makers", daemon=True).start()

    def _run(self) -> None:
        pause = threading.Event()
        while self._wanted.wait():
            pause.wait(GATHERED_FOR_S)
            self._wanted.clear()
            try:
                self.store()
            except HandrailError as err:
                _log.warning("Who made what is kept in %s until the store answers. %s", self._file, err)
                pause.wait(self._pause_s)
                self._wanted.set()


def _record_in(line: str) -> tuple[str, ...] | None:
    """Return what a line says, None where a stop has cut it: then nobody was answered."""
    try:
        what, *values = json.loads(line)
    except (ValueError, TypeError):
        return None
    return (what, *values) if len(values) == _VALUES.get(what) else None
