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

    `waits_s` before it counts no more, and a request waits for the reading; `stale_s` instead while it is away: the
    last reading failed, at most `waits_s` before the next began. Two readings begin at least `again_s` apart, whoever
    asks for them; `again_s` is at most `waits_s`.
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
        """Keep what `read` returns, which may raise any Exception; `what` is how messages call it."""
        self._what, self._read, self._pace, self._clock = what, read, pace, clock
        self._value: T | None = None
        self._read_at = self._tried_at = self._failed_at = float("-inf")
        self._task: asyncio.Task[None] | None = None
        self._is_away = False
        self._said = ""

    async def value(self, lacks: Callable[[T], bool]) -> T | None:
        """Return what is kept, read anew if it is old or `lacks` what is asked for; None if it is too old to count.

        While it is away, whoever is satisfied by what is kept does not wait.
        """
        age = self._clock() - self._read_at
        is_lacking = self._value is None or lacks(self._value)
        if age > self._pace.fresh_s or is_lacking:
            task = self._look()
            if task is not None and (is_lacking or (age > self._pace.waits_s and not self._is_away)):
                await asyncio.wait({task}, timeout=PATIENCE_S)
        oldest_s = self._pace.stale_s if self._is_away else self._pace.waits_s
        return None if self._clock() - self._read_at > oldest_s else self._value

    def _look(self) -> asyncio.Task[None] | None:
        """Return the reading that is under way, or begin one unless the last began just now."""
        if self._task is not None and not self._task.done():
            return self._task
        now = self._clock()
        if now - self._tried_at < self._pace.again_s:
            return None
        # What failed long ago, before a time without requests, may be back since.
        self._is_away = self._is_away and now - self._failed_at <= self._pace.waits_s
        self._tried_at = now
        self._task = asyncio.get_running_loop().create_task(self._refresh())
        return self._task

    async def _refresh(self) -> None:
        began = self._clock()
        (found,) = await asyncio.gather(asyncio.to_thread(self._read), return_exceptions=True)
        if isinstance(found, BaseException):
            self._is_away, self._failed_at = True, self._clock()
            problem = _sentence(found)
            if problem != self._said:
                _log.warning(
                    "%s cannot be read, so what was read before counts on for a while: %s", self._what, problem
                )
            self._said = problem
            return
        # What is read was so when the reading began.
        self._value, self._read_at, self._is_away, self._said = found, began, False, ""


def _sentence(err: BaseException) -> str:
    """Return an error in one line; those of tools go on with what they were doing."""
    if isinstance(err, HandrailError):
        return str(err)
    return ": ".join((type(err).__name__, *str(err).strip().splitlines()[:1]))
