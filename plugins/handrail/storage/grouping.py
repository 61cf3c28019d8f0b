"""Lets calls that arrive together share a transaction, so that each waits for the disk once and not once per caller.

What is stored is the caller's matter: `write` stores the calls of one group. Nothing here knows a table.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from handrail.errors import Unavailable

MAX_ITEMS = 1_000
Item = TypeVar("Item")
Key = TypeVar("Key")
Result = TypeVar("Result")


@dataclass(slots=True, eq=False)
class _Call(Generic[Item, Key, Result]):
    """The items of one caller and their result; `woken` is set when it is there, or when its caller has to write."""

    items: Sequence[Item]
    key: Key
    result: Future[Result] = field(default_factory=Future)
    woken: threading.Event = field(default_factory=threading.Event)


class GroupCommit(Generic[Item, Key, Result]):
    """Writes calls that wait while another one is written as one group, if their keys are equal.

    Each call stays all or nothing: if a group cannot be written, its calls are written one by one. Only if the store
    is `Unavailable`, or the process is being stopped, does the whole group fail at once.
    """

    def __init__(
        self, write: Callable[[Sequence[Sequence[Item]], Key], Sequence[Result]], max_items: int = MAX_ITEMS
    ) -> None:
        """Write by `write`, which stores the items of several calls durably, all or nothing.

        It returns a result for each call, in their order. A group has up to `max_items` items, or one call.
        """
        self._write_calls = write
        self._max_items = max_items
        self._door = threading.Lock()
        self._is_writing = False
        self._waiting: list[_Call[Item, Key, Result]] = []

    def run(self, items: Sequence[Item], key: Key) -> Result:
        """Store items, perhaps together with those of other callers, and return the result for these."""
        call: _Call[Item, Key, Result] = _Call(items, key)
        with self._door:
            self._waiting.append(call)
            if not self._is_writing:
                self._is_writing = True
                call.woken.set()
        call.woken.wait()
        if not call.result.done():
            try:
                self._write(self._group_of(call))
            finally:
                self._wake_next()
        return call.result.result()

    def waiting(self) -> int:
        """Return how many calls wait for the one that is being written."""
        with self._door:
            return len(self._waiting)

    def _wake_next(self) -> None:
        """Let the caller who has waited longest write next."""
        with self._door:
            self._is_writing = bool(self._waiting)
            if self._waiting:
                self._waiting[0].woken.set()

    def _group_of(self, mine: _Call[Item, Key, Result]) -> list[_Call[Item, Key, Result]]:
        """Take from the waiting calls this one and those that may join it, in the order in which they arrived."""
        group, room = [], self._max_items - len(mine.items)
        with self._door:
            for call in self._waiting:
                if call is mine or (call.key == mine.key and len(call.items) <= room):
                    group.append(call)
                    room -= 0 if call is mine else len(call.items)
            taken = set(map(id, group))
            self._waiting = [call for call in self._waiting if id(call) not in taken]
        return group

    def _write(self, group: Sequence[_Call[Item, Key, Result]]) -> None:
        try:
            results = self._write_calls([call.items for call in group], group[0].key)
        except BaseException as err:  # noqa: BLE001 - raised again in each waiting caller that it concerns
            concerns_one = isinstance(err, Exception) and not isinstance(err, Unavailable)
            for call in group:
                if len(group) > 1 and concerns_one:
                    self._write([call])
                else:
                    call.result.set_exception(err)
        else:
            for call, result in zip(group, results, strict=True):
                call.result.set_result(result)
        for call in group:
            call.woken.set()
