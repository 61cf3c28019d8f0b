"""What was let through by the guard and is not done yet: a hold that comes in between waits for it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class ChangesUnderWay:
    """Counts changes of this process from the question to the guard to the end of the act.

    A change that began before a hold may have been allowed before it and act after it. Whoever has begun to hold waits
    once for those; every later one is refused by the hold.
    """

    def __init__(self) -> None:
        """Begin with none."""
        self._ended = threading.Condition()
        self._next = 0
        self._open: set[int] = set()

    @contextmanager
    def change(self) -> Iterator[None]:
        """Enclose a question to the guard and what is done after it, which must be short."""
        with self._ended:
            number, self._next = self._next, self._next + 1
            self._open.add(number)
        try:
            yield
        finally:
            with self._ended:
                self._open.discard(number)
                self._ended.notify_all()

    def wait(self, timeout_s: float) -> bool:
        """Wait until the changes that have begun by now have ended; return whether they have, within that time."""
        with self._ended:
            begun = self._next
            return self._ended.wait_for(lambda: not any(number < begun for number in self._open), timeout_s)
