"""How a command that runs until somebody ends it is asked to."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event


@contextmanager
def until_asked() -> Iterator[Event]:
    """Give what is set by the first SIGTERM or Ctrl-C; a second Ctrl-C interrupts."""
    stopping = Event()
    before = {each: signal.getsignal(each) for each in (signal.SIGTERM, signal.SIGINT)}

    def stop(*_: object) -> None:
        stopping.set()
        signal.signal(signal.SIGINT, signal.default_int_handler)

    for each in before:
        signal.signal(each, stop)
    try:
        yield stopping
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
