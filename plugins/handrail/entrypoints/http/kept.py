"""Something small that is read elsewhere, kept for a moment, and read again while requests go on."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from handrail.errors import HandrailError

T = TypeVar("T")
PATIENCE_S = 2.0
"""So long a request waits for what is being read."""

_log = logging.getLogger("handrail.bentoml")


@dataclass(frozen=True, slots=True)
class Pace:
    """How old what is kept may be, in seconds: `fresh_s` before it is read again, beside the requests that go on.

    `waits_s` before a request waits for that; `stale_s` before it counts no more, because it cannot be read. Two
    readings begin at least `again_s` apart, whoever asks for them.
    """

    fresh_s: float
    waits_s: float
    stale_s: float
    again_s: float


class Kept(Generic[T]):
    """What was read last. Used in one event loop; readings happen on other threads, one at a time."""

    def __init__(
        self, what: str, read: Callable[[], T], pace: Pace, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Keep what `read` returns, which may raise any HandrailError; `what` is how messages call it."""
        self._what, self._read, self._pace, self._clock = what, read, pace, clock
        self._value: T | None = None
        self._read_at = self._tried_at = float("-inf")
        self._task: asyncio.Task[None] | None = None
        self._is_away = False
        self._said = ""

    async def value(self, lacks: Callable[[T], bool]) -> T | None:
        """Return what is kept, read anew if it is old or `lacks` what is asked for; None if it cannot be read.

        While it cannot be read, whoever is satisfied by what is kept does not wait.
        """
        age = self._clock() - self._read_at
        is_lacking = self._value is None or lacks(self._value)
        if age > self._pace.fresh_s or is_lacking:
            task = self._look()
            if task is not None and (is_lacking or (age > self._pace.waits_s and not self._is_away)):
                _, late = await asyncio.wait({task}, timeout=PATIENCE_S)
                self._is_away = self._is_away or bool(late)
        is_stale = self._clock() - self._read_at > self._pace.stale_s
        return None if is_stale else self._value

    def _look(self) -> asyncio.Task[None] | None:
        """Return the reading that is under way, or begin one unless the last began just now."""
        if self._task is not None and not self._task.done():
            return self._task
        if self._clock() - self._tried_at < self._pace.again_s:
            return None
        self._tried_at = self._clock()
        self._task = asyncio.get_running_loop().create_task(self._refresh())
        return self._task

    async def _refresh(self) -> None:
        began = self._clock()
        try:
            self._value = await asyncio.to_thread(self._read)
        except HandrailError as err:
            self._is_away = True
            if str(err) != self._said:
                _log.warning("%s cannot be read, so what was read before counts on for a while: %s", self._what, err)
            self._said = str(err)
            return
        # What is read was so when the reading began.
        self._read_at, self._is_away, self._said = began, False, ""
