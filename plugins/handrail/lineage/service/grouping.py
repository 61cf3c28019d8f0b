"""Lets callers that come at once share a transaction: each waits for the disk once, not once for each of the others."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field

from handrail.errors import Unavailable
from handrail.lineage.domain import LineageEvent
from handrail.lineage.ports import EventLog

MAX_EVENTS = 1_000


@dataclass(slots=True, eq=False)
class _Call:
    """What one caller brought, and what became of it; `woken` when it is written, or when its caller has to write."""

    events: Sequence[LineageEvent]
    sender: str
    sinks: Sequence[str]
    new: frozenset[str] = frozenset()
    error: BaseException | None = None
    is_done: bool = False
    woken: threading.Event = field(default_factory=threading.Event)


class GroupedLog:
    """Keeps the promise of `EventLog`; calls of one sender that wait while another one writes are written together.

    Each call stays all or none of its own: if a group cannot be written, its calls are taken one by one.
    """

    def __init__(self, log: EventLog) -> None:
        """Write to `log`."""
        self._log = log
        self._door = threading.Lock()
        self._is_writing = False
        self._waiting: list[_Call] = []

    def add(self, events: Sequence[LineageEvent], sender: str, sinks: Sequence[str]) -> frozenset[str]:
        """Keep events as `EventLog.add` does, perhaps together with those of other callers."""
        call = _Call(events, sender, sinks)
        with self._door:
            self._waiting.append(call)
            if not self._is_writing:
                self._is_writing = True
                call.woken.set()
        call.woken.wait()
        if not call.is_done:
            try:
                self._write(self._group_of(call))
            finally:
                self._hand_on()
        if call.error is not None:
            raise call.error
        return call.new

    def _hand_on(self) -> None:
        """Let the one who waits longest write next."""
        with self._door:
            self._is_writing = bool(self._waiting)
            if self._waiting:
                self._waiting[0].woken.set()

    def _group_of(self, mine: _Call) -> list[_Call]:
        """Take from those that wait a call and others that may join it, in the order in which they came."""
        group, room = [], MAX_EVENTS - len(mine.events)
        with self._door:
            for call in self._waiting:
                alike = call.sender == mine.sender and call.sinks == mine.sinks
                if call is mine or (alike and len(call.events) <= room):
                    group.append(call)
                    room -= 0 if call is mine else len(call.events)
            taken = set(map(id, group))
            self._waiting = [call for call in self._waiting if id(call) not in taken]
        return group

    def _write(self, group: Sequence[_Call]) -> None:
        together = [event for call in group for event in call.events]
        try:
            new = self._log.add(together, group[0].sender, group[0].sinks)
        except BaseException as err:  # noqa: BLE001 - raised again by each caller that it concerns, who waits for it
            concerns_one = isinstance(err, Exception) and not isinstance(err, Unavailable)
            for call in group:
                if len(group) > 1 and concerns_one:
                    self._write([call])
                else:
                    call.error = err
        else:
            _share(group, new)
        for call in group:
            call.is_done = True
            call.woken.set()


def _share(group: Sequence[_Call], new: frozenset[str]) -> None:
    """Tell each caller which of its events were new; of two that brought the same one, the first."""
    for call in group:
        call.new = new & {event.event_id for event in call.events}
        new -= call.new
