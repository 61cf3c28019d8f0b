"""What was set aside: looked at, dropped with a reason, or recorded after all."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from handrail.errors import InvalidInput, Refused, UnknownReference
from handrail.feedback.domain.quarantine import Held, Reason, Rejected, State, Step
from handrail.feedback.ports import QuarantineBook

MAX_NOTE = 2_000


class Quarantine:
    """Rows that could not be recorded. Nothing leaves it: each keeps what was sent, and what became of it."""

    def __init__(self, book: QuarantineBook) -> None:
        """Work on `book`."""
        self._book = book

    def add(self, rows: Sequence[Rejected], at: datetime) -> None:
        """Set rows aside durably; the same row for the same reason is kept once."""
        if rows:
            self._book.add(rows, at)

    def held(self, limit: int = 100, state: State | None = "open", reason: Reason | None = None) -> tuple[Held, ...]:
        """Return the newest rows, newest first; of one state and reason, or of all if None."""
        return self._book.held(limit, state, reason)

    def show(self, number: int) -> Held:
        """Return a row.

        Raises:
            UnknownReference: there is none of that number.
        """
        held = self._book.find(number)
        if held is None:
            raise UnknownReference("row", str(number), "List them with: handrail feedback quarantine list.", "number")
        return held

    def drop(self, number: int, by: str, at: datetime, because: str) -> None:
        """Leave a row out for good; it stays readable, with who dropped it and why.

        Raises:
            UnknownReference: there is no such row.
            InvalidInput: no reason is given.
            Refused: it was recorded or dropped before.
        """
        note = because.strip()
        if not note or len(note) > MAX_NOTE:
            raise InvalidInput(
                "because", "it is not a reason", f"Say in 1 to {MAX_NOTE:,} characters why it is dropped."
            )
        self.require_open(number)
        self._book.step(Step(number, "dropped", by, at, note))

    def replayed(self, number: int, by: str, at: datetime, identifier: str, content: object) -> None:
        """Note that a row was recorded after all, under which id and with which content."""
        self._book.step(Step(number, "replayed", by, at, identifier, content))

    def require_open(self, number: int) -> Held:
        """Return a row that nothing became of yet.

        Raises:
            UnknownReference: there is no such row.
            Refused: it was recorded or dropped before.
        """
        held = self.show(number)
        if held.state != "open":
            when = f"{held.changed_at:%Y-%m-%d %H:%M}Z" if held.changed_at else "before"
            raise Refused(f"Changing row {number}", (f"It was {held.state} by {held.changed_by} at {when}.",))
        return held
