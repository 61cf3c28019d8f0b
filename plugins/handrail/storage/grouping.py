"""Lets calls that arrive together share a transaction, so that each waits for the disk once and not once per caller.

What is stored is the caller's matter: `write` stores the calls of one group. Nothing here knows a table.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from handrail.errors import Busy, Unavailable

MAX_ITEMS = 1_000
RETRY_AFTER_S = 1
Item = TypeVar("Item")
Key = TypeVar("Key")
Result = TypeVar("Result")


def _shut() -> threading.Lock:
    """Return a lock that is held: whoever acquires it waits until it is released. A quarter of an event's cost."""
    lock = threading.Lock()
    lock.acquire()
    return lock


@dataclass(slots=True, eq=False)
class _Call(Generic[Item, Key, Result]):
    """The items of one caller and what came out; `woken` opens when it is there, or when its caller has to write."""

    items: Sequence[Item]
    key: Key
    size: int
    results: list[Result] = field(default_factory=list)
    error: BaseException | None = None
    leads: bool = False
    woken: threading.Lock = field(default_factory=_shut)

    def result(self) -> Result:
        if self.error is not None:
            raise self.error
        return self.results[0]

    @property
    def is_done(self) -> bool:
        return bool(self.results) or self.error is not None


class GroupCommit(Generic[Item, Key, Result]):
    """Writes calls that wait while another one is written as one group, if their keys are equal.

    One caller at a time writes, for itself and for those who wait: there is no thread that could end unnoticed, and a
    process that stops has written every call once its callers are answered.

    Each call stays all or nothing: if a group cannot be written, its calls are written one by one. Only if the store
    is `Unavailable`, or the process is being stopped, does the whole group fail at once.
    """

    def __init__(
        self,
        write: Callable[[Sequence[Sequence[Item]], Key], Sequence[Result]],
        max_items: int = MAX_ITEMS,
        most_waiting: int | None = None,
    ) -> None:
        """Write by `write`, which stores the items of several calls durably, all or nothing.

        It returns a result for each call, in their order. A group has up to `max_items` items, or one call. Once
        `most_waiting` items wait, no further call is taken; None: however many.
        """
        self._write_calls = write
        self._max_items = max_items
        self._most_waiting = most_waiting
        self._door = threading.Lock()
        self._is_writing = False
        self._waiting: list[_Call[Item, Key, Result]] = []
        self._items_waiting = 0

    def run(self, items: Sequence[Item], key: Key, size: int | None = None) -> Result:
        """Store items, perhaps together with those of other callers, and return the result for these.

        `size` is how many items the call counts for, if its key holds some.

        Raises:
            Busy: too many items wait; nothing of these was taken.
        """
        call: _Call[Item, Key, Result] = _Call(items, key, len(items) if size is None else size)
        with self._door:
            if self._most_waiting is not None and self._items_waiting >= self._most_waiting:
                raise Busy(self._items_waiting, RETRY_AFTER_S)
            self._waiting.append(call)
            self._items_waiting += call.size
            if not self._is_writing:
                self._is_writing = True
                self._lead(call)
        woken = False
        try:
            woken = call.woken.acquire()
        finally:
            if not woken:
                self._give_up(call)
        if not call.is_done:
            self._write_group(call)
        return call.result()

    def waiting(self) -> int:
        """Return how many calls wait for the one that is being written."""
        with self._door:
            return len(self._waiting)

    def _lead(self, call: _Call[Item, Key, Result]) -> None:
        call.leads = True
        call.woken.release()

    def _write_group(self, mine: _Call[Item, Key, Result]) -> None:
        group: list[_Call[Item, Key, Result]] = []
        try:
            group = self._group_of(mine)
            self._write(group)
        finally:
            # The disk before the callers: the next group is on its way while these go on.
            with self._door:
                self._wake_next()
            for each in group:
                each.woken.release()

    def _wake_next(self) -> None:
        """Let the caller who has waited longest write next."""
        self._is_writing = bool(self._waiting)
        if self._waiting:
            self._lead(self._waiting[0])

    def _give_up(self, call: _Call[Item, Key, Result]) -> None:
        """Leave the queue: the caller was interrupted. Whoever waits behind it must not wait for it."""
        with self._door:
            if call in self._waiting:
                self._waiting.remove(call)
                self._items_waiting -= call.size
                if call.leads:
                    self._wake_next()

    def _group_of(self, mine: _Call[Item, Key, Result]) -> list[_Call[Item, Key, Result]]:
        """Take from the waiting calls this one and those that may join it, in the order in which they arrived."""
        group, left, room = [], [], self._max_items - mine.size
        with self._door:
            for call in self._waiting:
                if call is mine or (call.key == mine.key and call.size <= room):
                    group.append(call)
                    room -= 0 if call is mine else call.size
                else:
                    left.append(call)
            self._waiting = left
            self._items_waiting -= sum(call.size for call in group)
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
                    call.error = err
        else:
            for call, result in zip(group, results, strict=True):
                call.results.append(result)
