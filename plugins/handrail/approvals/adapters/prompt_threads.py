"""Readings in a few threads of their own, for which a call waits a moment and no longer."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from threading import Lock
from typing import Any

from handrail.approvals.difference_ports import PromptReadings

AT_ONCE = 3
MOST_WAITING = 24
"""So many works may wait or be under way; more are not begun."""
PATIENCE_S = 1.0
"""A page that waits longer has to say so."""
KEPT_S = 60.0
"""How long an outcome that came late waits for whoever asks next."""


class PromptThreads(PromptReadings):
    """Keeps the promise of `PromptReadings` with a pool of threads; `clock` counts seconds."""

    def __init__(self, patience_s: float = PATIENCE_S, clock: Callable[[], float] = time.monotonic) -> None:
        """Let each call wait for so long."""
        self._pool = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="handrail-prompt")
        self._patience_s = patience_s
        self._clock = clock
        self._begun: dict[str, tuple[Future[Any], float]] = {}
        self._lock = Lock()

    def within(self, works: Mapping[str, Callable[[], Any]]) -> Mapping[str, Future[Any]]:
        """Begin what is not under way, and wait for all of it together."""
        with self._lock:
            self._forget_old()
            mine = {name: future for name, work in works.items() if (future := self._future(name, work))}
        wait(mine.values(), self._patience_s)
        done = {name: future for name, future in mine.items() if future.done()}
        with self._lock:
            for name, future in done.items():
                if name in self._begun and self._begun[name][0] is future:
                    del self._begun[name]
        return done

    def _future(self, name: str, work: Callable[[], Any]) -> Future[Any] | None:
        if name not in self._begun:
            if sum(not future.done() for future, _ in self._begun.values()) >= MOST_WAITING:
                return None
            self._begun[name] = self._pool.submit(work), self._clock()
        return self._begun[name][0]

    def _forget_old(self) -> None:
        before = self._clock() - KEPT_S
        old = [name for name, (future, at) in self._begun.items() if future.done() and at < before]
        for name in old:
            del self._begun[name]
