"""A thread of its own for each version that answers in one process, so that none waits for another."""

from __future__ import annotations

import asyncio
import contextlib
import queue
import threading
from collections.abc import Callable
from typing import Any, TypeVar

from handrail.entrypoints.bentoml.predictor import Predictor
from handrail.errors import Unavailable

T = TypeVar("T")
Call = tuple[Callable[[], Any], asyncio.Future[Any]]
MOST_WAITING = 32


class Lane:
    """One daemon thread, and the version that it loaded. A call that never returns keeps no process from ending.

    Whoever gives up waiting for a call leaves it behind; the thread may never take another one.
    """

    def __init__(self, name: str) -> None:
        """Start the thread; nothing is loaded yet."""
        self.predictor: Predictor | None = None
        self.name = name
        self._calls: queue.Queue[Call | None] = queue.Queue(MOST_WAITING)
        threading.Thread(target=self._work, name=f"answers of {name}", daemon=True).start()

    async def load(self, make: Callable[[], Predictor]) -> None:
        """Load the version on the thread that will answer: connections of a feature store belong to one thread."""
        self.predictor = await self.call(make)

    async def call(self, work: Callable[[], T]) -> T:
        """Do some work on the thread, after what waits there already.

        Raises:
            Unavailable: too much waits there.
            Exception: what the work raises.
        """
        done: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        try:
            self._calls.put_nowait((work, done))
        except queue.Full:
            raise Unavailable(
                f"The challenger {self.name!r}", "too much waits for it", "Look at its latency."
            ) from None
        return await done

    def close(self) -> None:
        """Let the thread end after what it does now; what waits is not done."""
        while True:
            try:
                self._calls.put_nowait(None)
                return
            except queue.Full:
                self._calls.get_nowait()

    def _work(self) -> None:
        while (call := self._calls.get()) is not None:
            work, done = call
            if done.cancelled():
                continue
            try:
                result, error = work(), None
            except Exception as err:  # noqa: BLE001 - it is raised where somebody waits for it
                result, error = None, err
            # Where the loop is closed, nobody waits any more.
            with contextlib.suppress(RuntimeError):
                done.get_loop().call_soon_threadsafe(_settle, done, result, error)


def _settle(done: asyncio.Future[Any], result: Any, error: Exception | None) -> None:
    if done.done():
        return
    if error is not None:
        done.set_exception(error)
    else:
        done.set_result(result)
