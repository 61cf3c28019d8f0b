"""Notes refused attempts in the log, so seldom that nobody can fill it."""

from __future__ import annotations

import logging
import threading
from collections import Counter
from dataclasses import replace
from datetime import datetime, timedelta

from handrail.approvals.attempt_ports import AttemptLog
from handrail.approvals.domain.attempts import Attempt, AttemptKind
from handrail.clock import Clock
from handrail.errors import HandrailError

WINDOW = timedelta(minutes=1)
MOST_AT_ONCE = 200
"""Accounts and kinds with a window of their own; those beyond are counted together."""
OTHERS = "others"

_log = logging.getLogger("handrail.approvals")


class Attempts:
    """The first attempt of an account and kind is noted at once, those of the next minute as one leaf with a count.

    Noting never changes an answer: what the log cannot take is counted on, reported, and tried again.
    """

    def __init__(self, log: AttemptLog, clock: Clock) -> None:
        """Note in this log; `clock` gives system time."""
        self._noting, self._clock = log, clock
        self._lock = threading.Lock()
        self._windows: dict[tuple[AttemptKind, str], datetime] = {}
        self._waiting: dict[tuple[AttemptKind, str], Attempt] = {}
        self._total: Counter[AttemptKind] = Counter()

    @property
    def total(self) -> dict[AttemptKind, int]:
        """How many attempts of each kind were refused since the start."""
        with self._lock:
            return {kind: self._total[kind] for kind in AttemptKind}

    def refused(self, kind: AttemptKind, account: str, sentence: str) -> None:
        """Remember a refused attempt, and note it if its window allows."""
        now = self._clock()
        with self._lock:
            self._total[kind] += 1
            key = kind, account
            if key not in self._windows and len(self._windows) >= MOST_AT_ONCE:
                key = kind, OTHERS
            before = self._waiting.get(key)
            self._waiting[key] = (
                replace(before, count=before.count + 1) if before else Attempt(kind, key[1], sentence, now)
            )
        self.flush()

    def flush(self) -> None:
        """Note what waits and whose window is over; at each attempt, and every minute."""
        with self._lock:
            now = self._clock()
            # A clock that went back opens every window: better a leaf too many than an attempt that nobody sees.
            self._windows = {key: at for key, at in self._windows.items() if timedelta() <= now - at < WINDOW}
            for key in [key for key in self._waiting if key not in self._windows]:
                try:
                    self._noting.note(self._waiting[key])
                except HandrailError as err:
                    _log.error("A refused attempt could not be noted in the log; it is tried again. %s", err)
                    return
                self._windows[key] = now
                del self._waiting[key]
