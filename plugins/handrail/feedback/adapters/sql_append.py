"""Appends a batch idempotently: stage it, insert what is new, quarantine ids that come again with another body."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.schema import CreateTable

from handrail.clock import system_time
from handrail.feedback.adapters.sql_tables import quarantine, with_digest
from handrail.feedback.domain.quarantine import Reason
from handrail.feedback.domain.values import Feedback, Prediction, Receipt
from handrail.storage.bulk import insert_new

CONFLICT = "Its id came before with another body, which stands."
Row = tuple[Any, ...]
Recordable = Prediction | Feedback


@dataclass(frozen=True)
class Appender:
    """One append-only table of `seq`, a unique id, ..., and the body digest; `what` names a row in quarantine."""

    table: sa.Table
    what: str

    @property
    def _columns(self) -> list[sa.Column[Any]]:
        return [column for column in self.table.columns if column.name != "seq"]

    def append(self, connection: sa.Connection, sent: Sequence[Recordable], rows: Sequence[Row]) -> Receipt:
        """Add `rows`, one for each value in `sent`, within the caller's transaction; of equal ids the first counts.

        A row holds plain values in the order of the table's columns, `seq` left out.
        """
        stage = self._stage(connection, rows)
        accepted = self._insert_staged(connection, stage)
        clashing = self._clashing(connection, stage) if accepted < len(rows) else []
        connection.execute(sa.delete(stage))
        clashes = {(rows[each][0], rows[each][-1]): sent[each] for each in clashing}
        self._quarantine(connection, clashes)
        conflicts = tuple(sorted({identifier for identifier, _ in clashes}))
        return Receipt(accepted, len(rows) - accepted - len(clashing), conflicts)

    def _stage(self, connection: sa.Connection, rows: Sequence[Row]) -> sa.Table:
        columns = [*self._columns, self.table.c.seq]
        stage = sa.Table(
            f"stage_{self.table.name}",
            sa.MetaData(),
            *(sa.Column(column.name, column.type) for column in columns),
            prefixes=["TEMPORARY"],
            postgresql_on_commit="DELETE ROWS",
        )
        connection.execute(CreateTable(stage, if_not_exists=True))
        # Straight to the driver: building parameters by name and type would take most of the time.
        place = "?" if connection.dialect.name == "sqlite" else "%s"
        insert = f"insert into {stage.name} values ({', '.join([place] * len(columns))})"
        connection.exec_driver_sql(insert, [(*row, number) for number, row in enumerate(rows)])
        return stage

    def _insert_staged(self, connection: sa.Connection, stage: sa.Table) -> int:
        names = [column.name for column in self._columns]
        # In order of the id: two writers then never wait for each other in a circle.
        staged = sa.select(*(stage.c[name] for name in names)).order_by(stage.c[names[0]], stage.c.seq)
        insert = insert_new(connection, self.table).from_select(names, staged)
        return int(connection.execute(insert).rowcount)

    def _clashing(self, connection: sa.Connection, stage: sa.Table) -> Sequence[int]:
        key = self._columns[0].name
        same_id = self.table.c[key] == stage.c[key]
        other_body = self.table.c.body != stage.c.body
        # In this direction SQLite looks up each staged row by the id's index.
        query = sa.select(stage.c.seq).join_from(stage, self.table, same_id).where(other_body)
        return connection.execute(query).scalars().all()

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
            for (identifier, body), value in sorted(clashes.items())
        ]
        connection.execute(insert_new(connection, quarantine), rows)


def _plain(value: Any) -> Any:
    """Turn what JSON lacks into text or a number: moments, and scalars of numeric libraries."""
    return value.isoformat() if isinstance(value, datetime) else value.item()
