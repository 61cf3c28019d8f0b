"""Appends a batch idempotently: insert what is new, quarantine ids that come again with another body."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from handrail.clock import system_time
from handrail.feedback.adapters.sql_tables import quarantine, with_digest
from handrail.feedback.domain.plain import PlainEvents
from handrail.feedback.domain.quarantine import Reason
from handrail.feedback.domain.values import Feedback, Prediction
from handrail.storage.appending import append_new
from handrail.storage.bulk import TEXT, insert_new, read

CONFLICT = "Its id came before with another body, which stands."
Row = tuple[Any, ...]
Recordable = Prediction | Feedback


@dataclass(frozen=True, slots=True)
class Outcome:
    """The places of rows that were known, and of those whose id came before with another body; the others are new."""

    known: Sequence[int] = ()
    clashing: Sequence[int] = ()


@dataclass(frozen=True)
class Appender:
    """One append-only table of `seq`, a unique id, ..., and the body digest; `what` names a row in quarantine."""

    table: sa.Table
    what: str

    def append(self, connection: sa.Connection, rows: Sequence[Row], said: Callable[[int], Recordable]) -> Outcome:
        """Add `rows` within the caller's transaction; of equal ids the first counts.

        A row holds plain values in the order of the table's columns, `seq` left out; `said` returns what the row at a
        place says, for quarantine.
        """
        if not rows:
            return Outcome()
        columns = rows.columns if isinstance(rows, PlainEvents) else tuple(zip(*rows, strict=True))
        new = append_new(connection, self.table, columns)
        if new is None:
            return Outcome()
        known, clashing = [], []
        bodies = self._bodies(connection, rows)
        for place, row in enumerate(rows):
            if bodies[row[0]] != row[-1]:
                clashing.append(place)
            elif row[0] in new:
                new.discard(row[0])
            else:
                known.append(place)
        self._quarantine(connection, {(rows[place][0], rows[place][-1]): said(place) for place in clashing})
        return Outcome(known, clashing)

    def _bodies(self, connection: sa.Connection, rows: Sequence[Row]) -> dict[str, bytes]:
        """Return the body that stands of each id."""
        key = self.table.columns.keys()[1]
        query = f"select {key}, body from {{given}} cross join {self.table.name} where {key} = g.a"
        return {name: body for name, body in read(connection, query, sorted({row[0] for row in rows}), TEXT)}

    def _quarantine(self, connection: sa.Connection, clashes: dict[tuple[str, bytes], Recordable]) -> None:
        if not clashes:
            return
        now = system_time()
        rows = [
            with_digest(
                quarantine,
                {
                    "what": self.what,
                    "identifier": identifier,
                    "body": body,
                    "content": json.dumps(asdict(value), default=_plain),
                    "quarantined_at": now,
                    "reason": str(Reason.CONFLICT),
                    "field": "",
                    "problem": CONFLICT,
                    "origin": "",
                },
            )
            for (identifier, body), value in sorted(clashes.items(), key=lambda clash: clash[0])
        ]
        connection.execute(insert_new(connection, quarantine), rows)


def _plain(value: Any) -> Any:
    """Turn what JSON lacks into text or a number: moments, and scalars of numeric libraries."""
    return value.isoformat() if isinstance(value, datetime) else value.item()
