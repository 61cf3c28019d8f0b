"""A thread of its own for each version that answers in one process, so that none waits for another."""

from __future__ import annotations

import asyncio
import contextlib
import queue
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from handrail.entrypoints.bentoml.predictor import Predictor
from handrail.errors import HandrailError, Unavailable

T = TypeVar("T")
MOST_WAITING = 32


@dataclass(frozen=True, slots=True)
class Call:
    """Some work, with what becomes known when it begins and when it is done."""

    work: Callable[[], Any]
    begun: asyncio.Future[None]
    done: asyncio.Future[Any]


class Broken(HandrailError):
    """A version raised, or did not answer in time: it cannot be relied on."""

    def __init__(self, problem: str) -> None:
        self.problem = problem

    def __str__(self) -> str:
        return self.problem


class Lane:
    """One daemon thread, and the version that it loaded. A call that never returns keeps no process from ending.

    Whoever gives up waiting for a call leaves it behind; the thread may never take another one.
    """

    def __init__(self, name: str) -> None:
        """Start the thread; nothing is loaded yet."""
        self.predictor: Predictor | None = None
        self.name = name
        self._calls: queue.Queue[Call | None] = queue.Queue(MOST_WAITING)
        self._closed = False
        threading.Thread(target=self._work, name=f"answers of {name}", daemon=True).start()

    async def load(self, make: Callable[[], Predictor], within_s: float) -> None:
        """Load the version on the thread that will answer: connections of a feature store belong to one thread.

        Raises:
            Unavailable: what it needs is away.
            Broken: it cannot be loaded.
        """
        self.predictor = await self.call(make, within_s)

    async def call(self, work: Callable[[], T], within_s: float) -> T:
        """Do some work on the thread, after what waits there already; once it begins, it has so many seconds.

        Raises:
            Unavailable: too much waits there, or what the work needs is away.
            Broken: the work raised anything else, or did not end in time.
        """
        loop = asyncio.get_running_loop()
        call = Call(work, loop.create_future(), loop.create_future())
        try:
            if self._closed:
                raise queue.Full
            self._calls.put_nowait(call)
            await asyncio.wait_for(asyncio.shield(call.begun), within_s)
        except (queue.Full, TimeoutError):
            call.done.cancel()
            raise Unavailable(
                f"The challenger {self.name!r}", "too much waits for it", "Look at its latency."
            ) from None
        try:
            done: T = await asyncio.wait_for(call.done, within_s)
            return done
        except TimeoutError as err:
            raise Broken(f"it did not answer within {within_s:.3g} s") from err

    def close(self) -> None:
        """Let the thread end after what it does now and what waits; nothing more is taken."""
        self._closed = True
        while True:
            try:
                self._calls.put_nowait(None)
                return
            except queue.Full:
                with contextlib.suppress(queue.Empty):
                    left = self._calls.get_nowait()
                    if left is not None:
                        left.done.get_loop().call_soon_threadsafe(left.done.cancel)

    def _work(self) -> None:
        while (call := self._calls.get()) is not None:
            # Where the loop is closed, nobody waits any more.
            with contextlib.suppress(RuntimeError):
                if call.done.cancelled():
                    continue
                loop = call.done.get_loop()
                loop.call_soon_threadsafe(_settle, call.begun, None, None)
                loop.call_soon_threadsafe(_settle, call.done, *_outcome(call.work))


def _outcome(work: Callable[[], Any]) -> tuple[Any, HandrailError | None]:
    try:
        return work(), None
    except Unavailable as err:
        return None, err
    except (Exception, SystemExit) as err:  # noqa: BLE001 - a stranger's model may raise anything
        said = str(err) if isinstance(err, HandrailError) else f"{type(err).__name__}: {err}"
        return None, Broken(said.rstrip("."))


def _settle(done: asyncio.Future[Any], result: Any, error: Exception | None) -> None:
    if done.done():
        return
    if error is not None:
        done.set_exception(error)
    else:
        done.set_result(result)
