"""How much waits for each account: counted over many requests, and shown on every page."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

KEPT_S = 5.0
MOST_ACCOUNTS = 1_000


class Counts:
    """Numbers by account, each kept for a few seconds; a page with one costs no walk over all open requests."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """Count nothing yet; `clock` gives seconds."""
        self._clock = clock
        self._lock = threading.Lock()
        self._kept: dict[str, tuple[float, int]] = {}
        self._age = 0

    def of(self, account: str, count: Callable[[], int]) -> int:
        """Return the number of an account, counted now unless it was a moment ago."""
        now = self._clock()
        with self._lock:
            counted_at, number = self._kept.get(account, (now - KEPT_S, 0))
            age = self._age
        if now - counted_at < KEPT_S:
            return number
        number = count()
        with self._lock:
            if age == self._age:
                if len(self._kept) >= MOST_ACCOUNTS:
                    self._kept.clear()
                self._kept[account] = now, number
        return number

    def forget(self) -> None:
        """Count anew for everybody: something was recorded. A count that is under way is not kept."""
        with self._lock:
            self._age += 1
            self._kept.clear()
