"""`record`: declares what a Prefect task or flow reads and makes, as a decorator or around a block of code."""

from __future__ import annotations

import copy
from collections.abc import Callable
from contextvars import ContextVar
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar

from handrail.entrypoints.hosts.never_fail import never_fail
from handrail.entrypoints.prefect.calls import Recipe
from handrail.entrypoints.prefect.run import current_run
from handrail.entrypoints.prefect.session import Opener, Session
from handrail.entrypoints.prefect.values import Named, check_callables, parts_of

if TYPE_CHECKING:
    from handrail.bootstrap import Platform

Recordable = TypeVar("Recordable", bound=Callable[..., Any])
_sessions: ContextVar[tuple[Session, ...]] = ContextVar("handrail_prefect_sessions", default=())


def record(*, inputs: Named = None, outputs: Named = None) -> Recorder:
    """Record what a task, a flow, or a function that they call reads and makes.

    As a decorator, above or below `@task` and `@flow`, and as a context:

        @task
        @record(inputs="data/orders.csv", outputs=lambda target: target)
        def clean(target: str) -> None: ...

        with record(inputs=["data/orders.csv"]) as run:
            run.generated("data/clean.csv")

    Things are given as references of `handrail.refs`, URIs, paths of files or folders below the project, or functions
    whose parameters are named as those of the decorated function, or `result`.

    Raises:
        InvalidInput: a function asks for what the decorated one does not have.
    """
    return Recorder(parts_of(inputs), parts_of(outputs), _here)


class Recorder:
    """A decorator, and a context that yields a `Session`; neither ever fails what it records."""

    def __init__(self, inputs: tuple[Any, ...], outputs: tuple[Any, ...], opener: Opener) -> None:
        """Record into the store of the platform that `opener` returns."""
        self._inputs, self._outputs, self._opener = inputs, outputs, opener

    def __call__(self, target: Recordable) -> Recordable:
        """Return the task, flow or function with recording around its body."""
        function = getattr(target, "fn", target)
        check_callables((*self._inputs, *self._outputs), function)
        body = Recipe(function, self._inputs, self._outputs, self._open).wrapped()
        if function is target:
            return body  # type: ignore[return-value]  # of the same signature
        recorded: Any = copy.copy(target)
        recorded.fn = body
        return recorded

    def __enter__(self) -> Session:
        """Name the inputs; outputs are named at the end of the block."""
        session = self._open()
        session.reads(self._inputs, {})
        _sessions.set((*_sessions.get(), session))
        return session

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        """Record the block; without outputs if it raised."""
        *outer, session = _sessions.get()
        _sessions.set(tuple(outer))
        if error is None:
            session.makes(self._outputs, {})
        session.close(None)

    def _open(self) -> Session:
        with never_fail("the run of Prefect that this is part of"):
            return Session(current_run(), self._opener)
        return Session(None, self._opener)


def _here() -> Platform:
    from handrail.entrypoints.hosts.recording import platform_here

    return platform_here()
