"""The intake of OpenLineage events: all or nothing, in any order, as often as they come."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import accumulate

from handrail.clock import Clock
from handrail.errors import InvalidInput
from handrail.lineage.domain.events import IntakeResult, LineageEvent, describe_event, notes_of
from handrail.lineage.domain.limits import MAX_DERIVED
from handrail.lineage.domain.scopes import TokenScope
from handrail.lineage.ports import EventLog

EVERYTHING = TokenScope()
MAX_AHEAD = timedelta(days=1)
MAX_BEHIND = timedelta(days=20 * 365)


@dataclass(frozen=True, slots=True)
class IntakePorts:
    """What the intake needs; `sinks` are the names of the places that every new event is forwarded to.

    `read_event` returns what a decoded JSON document says, and raises `InvalidInput` if it is not an event; its second
    argument is what the paths of fields begin with, as `3.` in a batch.
    """

    read_event: Callable[[object, str], LineageEvent]
    log: EventLog
    clock: Clock
    sinks: tuple[str, ...] = ()


class EventIntake:
    """Receives the events of any OpenLineage producer."""

    def __init__(self, ports: IntakePorts) -> None:
        self._ports = ports

    def receive(self, documents: Sequence[object], sender: str, scope: TokenScope = EVERYTHING) -> IntakeResult:
        """Store decoded OpenLineage events that `sender` (an `actor://` URI) sent; all of them or none.

        `scope` is what the sender's token allows.

        Raises:
            InvalidInput: one is not an event, or its time is more than a day ahead or twenty years back, or they state
                too many derivations; `field` names the wrong part, in a batch with the event's place before it.
            RoleConflict: a name was another sort of thing before.
            OutOfScope: the sender's token does not allow one of them.
        """
        events = [self._read(document, _place(documents, index)) for index, document in enumerate(documents)]
        _check_derivations(events)
        if scope != EVERYTHING:
            for event in events:
                scope.check_event(event, describe_event(event, sender), sender)
        stored = self._ports.log.add(events, sender, self._ports.sinks)
        notes = tuple(
            note
            for index, event in enumerate(events)
            for note in (*event.notes, *notes_of(event, stored.left_out.get(event.event_id, ()), _place(events, index)))
        )
        return IntakeResult(len(stored.new), len(events) - len(stored.new), notes)

    def _read(self, document: object, place: str) -> LineageEvent:
        event, now = self._ports.read_event(document, place), self._ports.clock()
        if not now - MAX_BEHIND <= event.time <= now + MAX_AHEAD:
            raise InvalidInput(
                f"{place}eventTime",
                f"{event.time.isoformat()} is too far from now, {now.isoformat(timespec='seconds')}",
                f"It may be {MAX_AHEAD.days} day ahead and {MAX_BEHIND.days // 365} years back; set the clock right.",
            )
        return event


def _check_derivations(events: Sequence[LineageEvent]) -> None:
    """Refuse a batch that states more than fits into memory: derivations are products of small lists."""
    stated = accumulate(event.content.derivations if event.content else 0 for event in events)
    beyond = next((index for index, total in enumerate(stated) if total > MAX_DERIVED), None)
    if beyond is not None:
        problem = f"up to this event the batch states more than {MAX_DERIVED:,} derivations"
        raise InvalidInput(f"{_place(events, beyond)}inputs", problem, "Send it in several batches.")


def _place(documents: Sequence[object], index: int) -> str:
    return f"{index}." if len(documents) > 1 else ""
