"""One at a time moves an alias in this process, from the last look at the intent to the outcome."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from handrail.approvals.domain.subject import Subject


class Turns:
    """Whoever takes up an open move, because its decision was repeated, waits for those who are at it."""

    def __init__(self) -> None:
        """Begin with nobody at it."""
        self._locks: dict[tuple[str, str], threading.Lock] = {}

    @contextmanager
    def turn(self, subject: Subject) -> Iterator[None]:
        """Enclose what is done to the alias of a subject; what was known of it before has to be looked at again."""
        # One operation of the interpreter: two callers get the same lock.
        lock = self._locks.setdefault((subject.model, subject.alias), threading.Lock())
        with lock:
            yield
