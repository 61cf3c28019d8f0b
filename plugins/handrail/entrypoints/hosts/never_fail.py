"""The one promise of every recorder inside another tool: recording never fails what it records."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import TracebackType

from handrail.errors import HandrailError

_log = logging.getLogger("handrail.lineage")


@dataclass
class Attempt:
    """How a block that may fail ended; `error` is what it raised."""

    error: Exception | None = None
    done: bool = False

    @property
    def sentence(self) -> str:
        """What went wrong, on one line: the error's own sentence, or its class and message."""
        kind = type(self.error).__name__
        try:
            message = str(self.error)
        except Exception:  # noqa: BLE001 - the error may be anybody's, and its message may fail too
            return f"{kind}, without a message"
        return " ".join((message if isinstance(self.error, HandrailError) else f"{kind}: {message}").split())


@contextmanager
def never_fail(what: str, level: int = logging.WARNING) -> Iterator[Attempt]:
    """Run a block that records `what`; if it raises, log in one sentence what lineage does not know, and go on.

    A mistake of ours, which is any other error than Handrail's own, is an ERROR with its traceback; where `level` is
    below WARNING, it stays at that level. What stops a process (Ctrl-C, exit) passes.
    """
    attempt = Attempt()
    try:
        yield attempt
        attempt.done = True
    except Exception as err:  # noqa: BLE001 - the promise: no mistake in recording reaches the tool
        attempt.error = err
        is_mistake = not isinstance(err, HandrailError)
        level = logging.ERROR if is_mistake and level >= logging.WARNING else level
        _log.log(level, "Lineage does not know of %s. %s", what, attempt.sentence, exc_info=is_mistake)


class on_failure:  # noqa: N801 - used as a statement, like contextlib's
    """Call `act` with what a block raises, which is raised all the same."""

    def __init__(self, act: Callable[[BaseException], object]) -> None:
        """Act later, only if the block raises."""
        self._act = act

    def __enter__(self) -> None:
        """Enter the block."""

    def __exit__(self, kind: type[BaseException] | None, err: BaseException | None, at: TracebackType | None) -> None:
        """Act if the block raised."""
        if err is not None:
            self._act(err)
