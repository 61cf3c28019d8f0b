"""Rows of the ledger beside their leaves of the log: is each stored as it was logged?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from handrail.approvals.adapters.event_rows import event_from
from handrail.approvals.adapters.sql_log import read_leaf
from handrail.approvals.domain.errors import LogMismatch
from handrail.approvals.domain.leaves import OPENED, Leaf, LoggedLeaf, StoredEvent
from handrail.manifest import digest_of_bytes


@dataclass(frozen=True, slots=True)
class RequestRow:
    """A request as it is stored."""

    number: int
    request_id: str
    alias: str
    subject_key: str
    body: str
    requester: str


@dataclass(frozen=True, slots=True)
class EventRow:
    """An event as it is stored."""

    request_id: str
    position: int
    kind: str
    body: str

    def leaf(self, permit_row: int | None) -> Leaf:
        """Return the leaf of this event, whose permit has that number."""
        return StoredEvent(self.kind, event_from(self.kind, self.body), self.body, permit_row).leaf(
            self.request_id, self.position
        )


Stored = tuple[RequestRow, list[EventRow]]


def refuse_unlogged(request_id: str, found: Sequence[Stored], leaves: Sequence[LoggedLeaf]) -> None:
    """Refuse a request that is stored otherwise than it was logged.

    Raises:
        LogMismatch: a row has no leaf, or another one, or a leaf has no row.
    """
    problem = next(mismatches(found[0] if found else None, leaves), None)
    if problem:
        raise LogMismatch(f"The promotion request {request_id!r}", problem)


def mismatches(stored: Stored | None, leaves: Sequence[LoggedLeaf]) -> Iterator[str]:
    """Yield what differs between a request with its events and the leaves about it, which are verified."""
    logged = [(leaf.number, read_leaf(leaf.content)) for leaf in leaves]
    openings = [(number, values) for number, values in logged if values["kind"] == OPENED]
    if stored is None:
        yield from (f"was opened by leaf {number} and is gone" for number, _ in openings)
        return
    request, rows = stored
    yield from _request_mismatches(request, openings)
    yield from _event_mismatches(
        rows, {values["position"]: (at, values) for at, values in logged if "position" in values}
    )


def _request_mismatches(request: RequestRow, openings: Sequence[tuple[int, Mapping[str, Any]]]) -> Iterator[str]:
    if not openings:
        yield "has no leaf in the log"
    for number, values in openings:
        facts = values["facts"]
        if facts["body"] != digest_of_bytes(request.body.encode("utf-8")):
            yield f"is not what leaf {number} says that was asked for"
        if facts["requester"] != request.requester:
            yield f"was asked for by {request.requester!r}, and by {facts['requester']!r} in leaf {number}"
        if facts["row"] != request.number:
            yield f"has the number {request.number}, and {facts['row']} in leaf {number}"


def _event_mismatches(rows: Sequence[EventRow], logged: dict[int, tuple[int, Mapping[str, Any]]]) -> Iterator[str]:
    for row in rows:
        event = f"has an event {row.position} of kind {row.kind!r}"
        if row.position not in logged:
            yield f"{event} without a leaf in the log"
            continue
        number, values = logged.pop(row.position)
        if values["kind"] != row.kind:
            yield f"{event}, which is {values['kind']!r} in leaf {number}"
        elif values["facts"]["body"] != digest_of_bytes(row.body.encode("utf-8")):
            yield f"{event} that is not what leaf {number} says that happened"
    for position, (number, values) in logged.items():
        yield f"has lost its event {position} of kind {values['kind']!r}, which leaf {number} has"
