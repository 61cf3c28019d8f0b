"""Lets senders of events that arrive together share a transaction of the event log."""

from __future__ import annotations

from collections.abc import Sequence

from handrail.lineage.domain.events import LineageEvent
from handrail.lineage.ports import EventLog
from handrail.storage.grouping import GroupCommit

Key = tuple[str, tuple[str, ...]]
"""The sender and the sinks: only calls that agree in both are stored together."""


class GroupedLog(EventLog):
    """An event log over another one; calls of one sender that wait while another is written are written together."""

    def __init__(self, log: EventLog) -> None:
        self._log = log
        self.calls: GroupCommit[LineageEvent, Key, frozenset[str]] = GroupCommit(self._write)

    def add(self, events: Sequence[LineageEvent], sender: str, sinks: Sequence[str]) -> frozenset[str]:
        """Store events as `EventLog.add` does, perhaps together with those of other callers."""
        return self.calls.run(events, (sender, tuple(sinks)))

    def _write(self, calls: Sequence[Sequence[LineageEvent]], key: Key) -> list[frozenset[str]]:
        """Return for each call which of its events were new; one that two calls have is new for the first."""
        new = self._log.add([event for events in calls for event in events], *key)
        shares: list[frozenset[str]] = []
        for events in calls:
            shares.append(new & {event.event_id for event in events})
            new -= shares[-1]
        return shares
