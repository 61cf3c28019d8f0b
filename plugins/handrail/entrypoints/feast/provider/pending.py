"""Online reads and pushes, counted in memory and recorded in the background: a request never waits for lineage.

Pushes wait five seconds, so that a stream of them becomes one fact for each view and five seconds; reads wait a minute,
or for the next push of this process. What a killed process had not recorded is lost.
"""

from __future__ import annotations

import atexit
import hashlib
import logging
import os
import threading
import weakref
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from time import monotonic, time
from typing import Any

from handrail.entrypoints.feast.provider.online import Change, states, watermark, write_change
from handrail.entrypoints.feast.provider.project import ASSERTED_BY, RecordedProject
from handrail.entrypoints.hosts.never_fail import never_fail
from handrail.lineage import ActivityDetails, Lineage, artifact_at
from handrail.refs import ArtifactVersion

READS_WAIT_S = 60.0
WRITES_WAIT_S = 5.0
TICK_S = 0.5
READ_KIND, PUSH_KIND = "online-read", "feature-push"


@dataclass
class Reads:
    """Reads of the same features since `first`, in seconds since 1970."""

    features: Any
    registry: Any
    first: float
    last: float = 0.0
    count: int = 0
    rows: int = 0
    newest: float = 0.0
    response: Any = None


@dataclass
class Writes:
    """Pushes to one view since `first`."""

    view: Any
    first: float
    last: float = 0.0
    batches: int = 0
    rows: int = 0
    newest: datetime | None = None
    sha256: Any = field(default_factory=hashlib.sha256)
    digested: int = 0

    def add(self, rows: int, newest: datetime | None, digest: str | None) -> None:
        """Count one more push; `digest` is that of its rows."""
        self.last, self.batches, self.rows = time(), self.batches + 1, self.rows + rows
        if newest is not None:
            self.newest = max(newest, self.newest or newest)
        if digest is not None:
            self.sha256.update(digest.encode())
            self.digested += 1

    @property
    def attributes(self) -> dict[str, str]:
        """What is known of them; the digest is over the digests of the pushes, in their order."""
        attributes = {"rows": str(self.rows), "batches": str(self.batches)}
        if self.newest is not None:
            attributes["watermark"] = self.newest.isoformat()
        if self.digested == self.batches:
            attributes["rows_digest"] = f"sha256:{self.sha256.hexdigest()}"
        return attributes


class PendingRecords:
    """What one provider still has to record."""

    def __init__(self, project: RecordedProject) -> None:
        self._project = project
        self._due = 0.0
        self._failed = False
        self.forget()
        _all.add(self)

    def forget(self) -> None:
        """Begin with nothing counted and no lock held."""
        self._lock = threading.Lock()
        self._flushing = threading.Lock()
        self._reads: dict[Any, Reads] = {}
        self._writes: dict[str, Writes] = {}

    def read(self, features: Any, entity_rows: Any, registry: Any, response: Any) -> None:
        """Count one online read."""
        with self._lock:
            reads = self._reads_of(features, registry)
            reads.response = response
            reads.rows += _rows(entity_rows)

    def read_rows(self, service: Any, registry: Any, rows: int, newest: float) -> None:
        """Count one read past Feast's own path; the newest of its values was known then, in seconds since 1970."""
        with self._lock:
            reads = self._reads_of(service, registry)
            reads.newest = newest
            reads.rows += rows

    def wrote(self, view: Any, rows: int, newest: datetime | None, digest: str | None) -> None:
        """Count one push to the online store."""
        with self._lock:
            writes = self._writes.get(view.name)
            if writes is None:
                writes = self._writes[view.name] = Writes(view, time())
                self._wait(WRITES_WAIT_S)
            writes.add(rows, newest, digest)

    @property
    def is_due(self) -> bool:
        """Whether something has waited long enough."""
        return monotonic() >= self._due

    def flush(self) -> None:
        """Record everything counted so far: writes first, so that reads find the states that they saw."""
        with self._flushing:
            with self._lock:
                reads, writes = self._reads, self._writes
                self._reads, self._writes = {}, {}
                with _gate:
                    _pending.discard(self)
            for pushed in writes.values():
                self._record(f"pushes to {pushed.view.name}", partial(self._push, pushed))
            for counted in reads.values():
                self._record("online reads of Feast", partial(self._read, counted))

    def _reads_of(self, features: Any, registry: Any) -> Reads:
        """Return what counts reads of the same features, one more counted. Called with the lock held."""
        key = tuple(features) if isinstance(features, list) else features.name
        now = time()
        reads = self._reads.get(key)
        if reads is None:
            reads = self._reads[key] = Reads(features, registry, now)
            self._wait(READS_WAIT_S)
        reads.last = now
        reads.count += 1
        return reads

    def _wait(self, seconds: float) -> None:
        due = monotonic() + seconds
        with _gate:
            self._due = min(due, self._due) if self in _pending else due
            _pending.add(self)
            _tend()

    def _record(self, what: str, write: Any) -> None:
        """Record; of failures in a row only the first is logged as a warning."""
        level = logging.DEBUG if self._failed else logging.WARNING
        self._failed = not self._project.record(what, write, level)

    def _push(self, writes: Writes, lineage: Lineage) -> None:
        uri, between = self._project.new("push"), (_moment(writes.first), _moment(writes.last))
        write_change(lineage, self._project, Change(uri, PUSH_KIND, writes.view, (), *between, writes.attributes))

    def _read(self, reads: Reads, lineage: Lineage) -> None:
        between = (_moment(reads.first), _moment(reads.last))
        views = self._views(reads)
        versions = {view.name: self._project.view(view) for view in views}
        used: list[ArtifactVersion] = list(versions.values())
        attributes = {"reads": str(reads.count), "entity_rows": str(reads.rows), **_asked(reads.features)}
        with never_fail("a watermark"):
            if newest := watermark(reads.response, reads.newest):
                attributes["watermark"] = newest
        service = None if isinstance(reads.features, list) else self._project.service(reads.features, versions)
        used += [service] if service else []
        used += [artifact_at(uri) for uri in states(lineage, self._project.name, views, between)]
        details = ActivityDetails(*between, attributes, ASSERTED_BY)
        lineage.record_activity(self._project.new("online_read"), READ_KIND, used=used, details=details)
        if service:
            self._project.record_service(service, versions.values())

    def _views(self, reads: Reads) -> Sequence[Any]:
        if isinstance(reads.features, list):
            names = [reference.partition(":")[0].partition("@")[0] for reference in reads.features]
        else:
            names = [projection.name for projection in reads.features.feature_view_projections]
        found = dict.fromkeys(names)
        return [reads.registry.get_any_feature_view(name, self._project.name, True) for name in found]


def flush() -> None:
    """Record now what this process counted of Feast's online reads and pushes."""
    for one in list(_all):  # also one that another thread records right now: wait for it
        one.flush()


def _asked(features: Any) -> Mapping[str, str]:
    return {"features": ",".join(features)} if isinstance(features, list) else {"feature_service": features.name}


def _rows(entity_rows: Any) -> int:
    if isinstance(entity_rows, list):
        return len(entity_rows)
    column = next(iter(entity_rows.values()), ())
    return len(column.val if hasattr(column, "val") else column)


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


_gate = threading.Lock()
_all: weakref.WeakSet[PendingRecords] = weakref.WeakSet()
_pending: set[PendingRecords] = set()
_thread: threading.Thread | None = None
_wake = threading.Event()


def _tend() -> None:
    """Have a thread that flushes what is due; it ends when nothing waits. Called with `_gate` held."""
    global _thread  # noqa: PLW0603 - one a process
    if _thread is None:
        _thread = threading.Thread(target=_run, name="handrail-feast", daemon=True)
        _thread.start()


def _run() -> None:
    while _goes_on():
        _wake.wait(TICK_S)
        for one in list(_pending):
            if one.is_due:
                with never_fail("Feast's online store"):
                    one.flush()


def _goes_on() -> bool:
    global _thread  # noqa: PLW0603 - one a process
    with _gate:
        if not _pending:
            _thread = None
        return _thread is not None


def _forget() -> None:
    """Start again in a forked process: what the parent counted, the parent records."""
    global _thread, _gate, _wake  # noqa: PLW0603 - one a process
    # New ones, because a thread that no longer exists may still hold the old locks.
    _thread, _gate, _wake = None, threading.Lock(), threading.Event()
    for one in _all:
        one.forget()
    _pending.clear()


atexit.register(flush)
os.register_at_fork(after_in_child=_forget)
