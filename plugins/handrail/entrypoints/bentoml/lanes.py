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


@dataclass(frozen=True, slots=True, eq=False)
class Call:
    """Some work, with what becomes known when it begins (None: nobody asks) and when it is done.

    `is_plain`: what it raises stays as it is.
    """

    work: Callable[[], Any]
    done: asyncio.Future[Any]
    begun: asyncio.Future[None] | None = None
    is_plain: bool = False

    def fail(self, error: Exception) -> None:
        """Let whoever waits for it know why it will not be done; from the loop of those who wait."""
        if self.begun is not None and not self.begun.done():
            self.begun.set_exception(error)
            self.done.cancel()
        elif not self.done.done():
            self.done.set_exception(error)


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

    def __init__(self, name: str, most_waiting: int = MOST_WAITING) -> None:
        """Start the thread; nothing is loaded yet."""
        self.predictor: Predictor | None = None
        self.name = name
        self.users = 0
        """How many requests may still ask it."""
        self._calls: queue.Queue[Call | None] = queue.Queue(most_waiting)
        self._closed = False
        threading.Thread(target=self._work, name=f"answers of {name}", daemon=True).start()

    @property
    def loaded(self) -> Predictor:
        """What it loaded."""
        assert self.predictor is not None
        return self.predictor

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
        begun: asyncio.Future[None] = loop.create_future()
        call = self._take(Call(work, loop.create_future(), begun))
        try:
            await asyncio.wait_for(asyncio.shield(begun), within_s)
        except TimeoutError:
            call.done.cancel()
            raise self._too_much() from None
        try:
            done: T = await asyncio.wait_for(call.done, within_s)
            return done
        except TimeoutError as err:
            raise Broken(f"it did not answer within {within_s:.3g} s") from err

    async def run(self, work: Callable[[], T]) -> T:
        """Do some work on the thread, however long it takes; what it raises is raised.

        Raises:
            Unavailable: too much waits there.
            Broken: it was given up meanwhile.
        """
        done: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._take(Call(work, done, is_plain=True))
        return await done

    async def begin(self, work: Callable[[], Any]) -> Call:
        """Return a call once its work has begun.

        Raises:
            Unavailable: too much waits there.
            Broken: it was given up meanwhile.
        """
        loop = asyncio.get_running_loop()
        begun: asyncio.Future[None] = loop.create_future()
        call = self._take(Call(work, loop.create_future(), begun))
        await begun
        return call

    def give_up(self, problem: str) -> None:
        """Take nothing more, and let all who wait there know at once: what it does now may never end."""
        self._closed = True
        with contextlib.suppress(queue.Empty):
            while True:
                left = self._calls.get_nowait()
                if left is not None:
                    left.fail(Broken(problem))
        self._calls.put_nowait(None)

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

    def _take(self, call: Call) -> Call:
        try:
            if self._closed:
                raise queue.Full
            self._calls.put_nowait(call)
        except queue.Full:
            raise self._too_much() from None
        return call

    def _too_much(self) -> Unavailable:
        return Unavailable(f"The version {self.name!r}", "too much waits for it", "Look at its latency.")

    def _work(self) -> None:
        while (call := self._calls.get()) is not None:
            # Where the loop is closed, nobody waits any more.
            with contextlib.suppress(RuntimeError):
                if call.done.cancelled():
                    continue
                loop = call.done.get_loop()
                if call.begun is not None:
                    loop.call_soon_threadsafe(_settle, call.begun, None, None)
                loop.call_soon_threadsafe(_settle, call.done, *_outcome(call))


def _outcome(call: Call) -> tuple[Any, Exception | None]:
    try:
        return call.work(), None
    except (Exception, SystemExit) as err:  # noqa: BLE001 - a stranger's model may raise anything
        if isinstance(err, Unavailable) or (call.is_plain and isinstance(err, Exception)):
            return None, err
        said = str(err) if isinstance(err, HandrailError) else f"{type(err).__name__}: {err}"
        return None, Broken(said.rstrip("."))


def _settle(done: asyncio.Future[Any], result: Any, error: Exception | None) -> None:
    if done.done():
        return
    if error is not None:
        done.set_exception(error)
    else:
        done.set_result(result)


def plain(sentence: str) -> str:
    """Return a sentence as logs and stores take it: a model's error may hold what is no text, such as half a character.

    What is not ASCII is written as its code.
    """
    return sentence.encode("ascii", "backslashreplace").decode().replace("\0", "")
