"""Long work on files in threads of its own: one after another, a bounded queue, callers that wait for seconds."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

from handrail.approvals.domain.errors import StillReading
from handrail.approvals.evidence_ports import Outcome, Readings

AT_ONCE = 1
"""Hashing keeps a processor busy; the others stay free for those who train."""
MOST_WAITING = 8
PATIENCE_S = 5.0
"""How long a call waits: of MLflow's 40 threads at most `MOST_WAITING` are kept, for so long."""
RETRY_AFTER_S = 2
KEPT_S = 600.0
"""How long an outcome waits for the call that it is for."""


@dataclass(frozen=True, slots=True)
class _Work:
    """Something that is read, or was read and not asked for since."""

    future: Future[Any]
    ended_at: list[float] = field(default_factory=list)


class ReadingThreads(Readings):
    """Keeps the promise of `Readings` with a pool of threads; `clock` counts seconds."""

    def __init__(self, patience_s: float = PATIENCE_S, clock: Callable[[], float] = time.monotonic) -> None:
        """Let each call wait for so long."""
        self._pool = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="handrail-read")
        self._patience_s = patience_s
        self._clock = clock
        self._works: dict[str, _Work] = {}
        self._lock = Lock()

    def outcome(self, work: str, label: str, read: Callable[[], Outcome]) -> Outcome:
        """Begin the work unless it is under way, and wait for it a moment."""
        under_way = self._begun(work, label, read)
        done, _ = wait([under_way.future], self._patience_s)
        if not done:
            raise StillReading(label, "its files are being read", RETRY_AFTER_S)
        with self._lock:
            if self._works.get(work) is under_way:
                del self._works[work]
        outcome: Outcome = under_way.future.result()
        return outcome

    def _begun(self, work: str, label: str, read: Callable[[], Any]) -> _Work:
        with self._lock:
            self._forget_old()
            if work not in self._works:
                if sum(not one.future.done() for one in self._works.values()) >= MOST_WAITING:
                    raise StillReading(label, "too many other trees are being read", RETRY_AFTER_S)
                begun = _Work(self._pool.submit(read))
                begun.future.add_done_callback(lambda _: begun.ended_at.append(self._clock()))
                self._works[work] = begun
            return self._works[work]

    def _forget_old(self) -> None:
        before = self._clock() - KEPT_S
        old = [name for name, one in self._works.items() if one.ended_at and one.ended_at[0] < before]
        for name in old:
            del self._works[name]
