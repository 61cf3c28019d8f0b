"""Recording around the calls of a function, a task's, a flow's or any other: plain, async, or a generator of either."""

from __future__ import annotations

import asyncio
import functools
import inspect
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Generator, Iterator, Sequence
from contextlib import aclosing, asynccontextmanager, contextmanager, suppress
from functools import partial
from typing import Any

from handrail.entrypoints.hosts.never_fail import on_failure
from handrail.entrypoints.prefect.session import COMPLETE, FAIL, Session
from handrail.entrypoints.prefect.values import RESULT, asked_of

Function = Callable[..., Any]


class Recipe:
    """What to record around each call of `function`: what names inputs, what names outputs, who opens a session."""

    def __init__(
        self, function: Function, inputs: Sequence[Any], outputs: Sequence[Any], opened: Callable[[], Session]
    ) -> None:
        self.function, self.inputs, self.outputs, self.opened = function, inputs, outputs, opened
        self._signature = inspect.signature(function)

    def wrapped(self) -> Function:
        """Return a function of the same sort and signature that records each call."""
        if inspect.isasyncgenfunction(self.function):
            return self._async_generator()
        if inspect.iscoroutinefunction(self.function):
            return self._coroutine()
        return self._generator() if inspect.isgeneratorfunction(self.function) else self._plain()

    def _plain(self) -> Function:
        @functools.wraps(self.function)
        def body(*args: Any, **kwargs: Any) -> Any:
            with Call(self, body, self._signature.bind(*args, **kwargs)).held() as known:
                known[RESULT] = self.function(*args, **kwargs)
            return known[RESULT]

        return body

    def _generator(self) -> Function:
        @functools.wraps(self.function)
        def body(*args: Any, **kwargs: Any) -> Generator[Any, Any, Any]:
            with Call(self, body, self._signature.bind(*args, **kwargs)).held():
                return (yield from self.function(*args, **kwargs))

        return body

    def _coroutine(self) -> Function:
        @functools.wraps(self.function)
        async def body(*args: Any, **kwargs: Any) -> Any:
            async with Call(self, body, self._signature.bind(*args, **kwargs)).awaited() as known:
                known[RESULT] = await self.function(*args, **kwargs)
            return known[RESULT]

        return body

    def _async_generator(self) -> Function:
        @functools.wraps(self.function)
        async def body(*args: Any, **kwargs: Any) -> AsyncGenerator[Any, Any]:
            call = Call(self, body, self._signature.bind(*args, **kwargs))
            async with call.awaited(), aclosing(self.function(*args, **kwargs)) as source:
                sent = None
                with suppress(StopAsyncIteration):
                    while True:
                        sent = yield await source.asend(sent)

        return body


class Call:
    """One call; `body` is the function that records, as Prefect knows it if it is a run's own."""

    def __init__(self, recipe: Recipe, body: Function, bound: inspect.BoundArguments) -> None:
        bound.apply_defaults()
        self._known: dict[str, Any] = dict(bound.arguments)
        self._recipe, self._body = recipe, body

    @contextmanager
    def held(self) -> Iterator[dict[str, Any]]:
        """Record around a block, which raises what it raises and puts its `result` into what is yielded."""
        session = self._begin()
        with on_failure(partial(self._fail, session)):
            yield self._known
        self._end(session)

    @asynccontextmanager
    async def awaited(self) -> AsyncIterator[dict[str, Any]]:
        """Do the same without holding up the loop while files are hashed."""
        session = await asyncio.to_thread(self._begin)
        with on_failure(partial(self._fail, session)):
            yield self._known
        await asyncio.to_thread(self._end, session)

    def _begin(self) -> Session:
        session = self._recipe.opened()
        session.reads([each for each in self._recipe.inputs if RESULT not in asked_of(each)], self._known)
        return session

    def _end(self, session: Session) -> None:
        result = self._known.setdefault(RESULT, None)
        session.reads([each for each in self._recipe.inputs if RESULT in asked_of(each)], self._known)
        session.makes(self._recipe.outputs, self._known)
        session.close(COMPLETE if self._is_whole(session) and not _holds_states(result) else None)

    def _fail(self, session: Session, error: BaseException) -> None:
        """Record what was read. A signal such as a suspension ends nothing, and after a failure a retry may come."""
        ended = isinstance(error, Exception) and self._is_whole(session) and session.run and session.run.last_try
        session.close(FAIL if ended else None)

    def _is_whole(self, session: Session) -> bool:
        """Return whether this call is all that the run does, and not a function that it calls."""
        return session.run is not None and session.run.body is self._body


def _holds_states(result: Any) -> bool:
    """Return whether Prefect derives the state of the run from what it returned."""
    from prefect.client.schemas.objects import State
    from prefect.futures import PrefectFuture

    several = result if isinstance(result, list | tuple | set) else [result]
    return any(isinstance(each, State | PrefectFuture) for each in several)
