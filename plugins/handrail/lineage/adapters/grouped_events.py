"""Lets senders of events that arrive together share a transaction of the event log."""

from __future__ import annotations

from collections.abc import Sequence

from handrail.lineage.domain.events import LineageEvent
from handrail.lineage.ports import EventLog, Stored
from handrail.storage.grouping import GroupCommit

Key = tuple[str, tuple[str, ...]]
"""The sender and the sinks: only calls that agree in both are stored together."""


class GroupedLog(EventLog):
    """An event log over another one; calls of one sender that wait while another is written are written together."""

    def __init__(self, log: EventLog) -> None:
        self._log = log
        self.calls: GroupCommit[LineageEvent, Key, Stored] = GroupCommit(self._write)

    def add(self, events: Sequence[LineageEvent], sender: str, sinks: Sequence[str]) -> Stored:
        """Store events as `EventLog.add` does, perhaps together with those of other callers."""
        return self.calls.run(events, (sender, tuple(sinks)))

    def _write(self, calls: Sequence[Sequence[LineageEvent]], key: Key) -> list[Stored]:
        """Return the share of each call; an event that two calls have is new for the first."""
        stored = self._log.add([event for events in calls for event in events], *key)
        new, shares = stored.new, []
        for events in calls:
            ids = {event.event_id for event in events}
            shares.append(Stored(new & ids, {one: stored.left_out[one] for one in ids & stored.left_out.keys()}))
            new -= ids
        return shares
