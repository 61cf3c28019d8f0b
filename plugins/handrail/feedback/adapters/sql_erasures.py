"""Erasures in SQL: a subject leaves every row in one transaction, and what says so is sealed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from handrail.errors import InvalidInput, Unavailable
from handrail.feedback.adapters.erased_rows import SubjectRows
from handrail.feedback.adapters.sql_log_reader import SqlLogReader
from handrail.feedback.adapters.sql_snapshots import read_snapshot, snapshot_row
from handrail.feedback.adapters.sql_tables import erased, erasure, event, prediction, quarantine, replaced, snapshot
from handrail.feedback.domain.erasure import Erased, Erasure, Marked, Replaced, What, Why, digest_rows, is_sealed
from handrail.feedback.domain.snapshots import Snapshot, build_snapshot
from handrail.feedback.domain.values import Damage
from handrail.feedback.erasure_ports import ErasureBook
from handrail.storage import Store
from handrail.storage.bulk import insert_new

ROWS: dict[What, sa.Table] = {"prediction": prediction, "feedback": event, "quarantine": quarantine}
FORGED = "its record was not written with this installation's key, or the key is gone"


class SqlErasures(ErasureBook):
    """Erasures in SQL; `make_key` gives the key that seals records, `held_key` the same if there is one."""

    def __init__(self, store: Store, make_key: Callable[[], bytes], held_key: Callable[[], bytes | None]) -> None:
        self._store, self._make_key, self._held_key = store, make_key, held_key

    def erase(self, names: Sequence[str], by: str, at: datetime, why: Why) -> Erased:
        """Take a subject out of every row in one transaction."""
        key = self._make_key()
        with self._store.write() as connection:
            if connection.dialect.name == "sqlite":
                connection.exec_driver_sql("pragma secure_delete = on")
            rows = SubjectRows(connection, names)
            counts = len(rows.predictions), len(rows.events), len(rows.quarantined)
            record = Erasure(rows.name, at, by, why, *counts)
            if record.is_empty:
                return Erased(record)
            concerned = _Concerned(connection, rows.predictions)
            marked = rows.take_out(by, at)
            record = replace(record, rows=digest_rows(marked))
            record = replace(record, mac=record.sealed(key))
            _mark(connection, record, marked)
            successors = concerned.succeed(record, key)
        return Erased(record, successors, concerned.altered)

    def records(self) -> tuple[Erasure, ...]:
        """Return every erasure, oldest first."""
        with self._store.read() as connection:
            rows = connection.execute(sa.select(erasure).order_by(erasure.c.at, erasure.c.name)).all()
        return tuple(Erasure(**row._asdict()) for row in rows)

    def replaced(self) -> tuple[Replaced, ...]:
        """Return every snapshot that was replaced, by records that this installation wrote."""
        key = self._held_key()
        return tuple(each for each in self._replaced() if is_sealed(each, key))

    def _replaced(self) -> list[Replaced]:
        with self._store.read() as connection:
            return [Replaced(**row._asdict()) for row in connection.execute(sa.select(replaced))]

    def damages(self) -> tuple[Damage, ...]:
        """Return every record that was not written here, or whose rows are not those that it covers."""
        key = self._held_key()
        forged = [each.digest for each in self._replaced() if not is_sealed(each, key)]
        found = [Damage("forged-erasure", digest, FORGED) for digest in forged]
        records = self.records()
        with self._store.read() as connection:
            for record in records:
                if not is_sealed(record, key):
                    found.append(Damage("forged-erasure", record.name, FORGED))
                elif problem := _problem_of(connection, record):
                    found.append(Damage("changed-erasure", record.name, problem))
            known = [record.name for record in records]
            loose = sa.select(sa.func.count()).select_from(erased).where(erased.c.erasure.not_in(known))
            if number := connection.execute(loose).scalar_one():
                found.append(Damage("forged-erasure", f"{number} rows", "no record says who erased them"))
        return tuple(found)

    def marked(self, what: What) -> Sequence[int]:
        """Return the numbers of the rows that an erasure changed, in order."""
        numbers = sa.select(erased.c.number).where(erased.c.what == what).order_by(erased.c.number)
        with self._store.read() as connection:
            return connection.execute(numbers).scalars().all()

    def longer_names(self, name: str) -> tuple[str, ...]:
        """Return the subjects of other rows that contain a name."""
        found: set[str] = set()
        with self._store.read() as connection:
            for table in (prediction, event):
                longer = table.c.subject.contains(name, autoescape=True)
                names = sa.select(table.c.subject).distinct().where(longer, table.c.subject != name)
                # SQLite's LIKE takes capital letters for small ones.
                found.update(each for each in connection.execute(names).scalars() if name in each)
        return tuple(sorted(found))


class _Concerned:
    """The snapshots that hold rows of a subject: those that were whole before, and those that were not."""

    def __init__(self, connection: sa.Connection, predictions: Sequence[Any]) -> None:
        self._connection, self._reader = connection, SqlLogReader(_Inside(connection))
        self._held: list[tuple[Snapshot, int]] = []
        altered: list[str] = []
        old = sa.select(replaced.c.digest)
        for row in connection.execute(sa.select(snapshot).where(snapshot.c.digest.not_in(old))).all():
            try:
                taken = read_snapshot(row)
            except (InvalidInput, Unavailable):
                altered.append(row.digest)
                continue
            number = sum(_is_in(taken, each) for each in predictions)
            if number and self._again(taken).digest == taken.digest:
                self._held.append((taken, number))
            elif number:
                altered.append(taken.digest)
        self.altered = tuple(altered)

    def _again(self, taken: Snapshot) -> Snapshot:
        material = self._reader.read(taken.scope, taken.mark, taken.kind.matching)
        return build_snapshot(taken.scope, taken.kind, material, taken.mark, taken.format)

    def succeed(self, record: Erasure, key: bytes) -> tuple[Replaced, ...]:
        """Save a successor of each that was whole, and that it is one."""
        found = []
        for taken, number in self._held:
            successor = self._again(taken)
            said = Replaced(taken.digest, successor.digest, record.name, number)
            found.append(replace(said, mac=said.sealed(key)))
            self._connection.execute(insert_new(self._connection, snapshot), snapshot_row(successor))
            self._connection.execute(sa.insert(replaced), _as_row(found[-1]))
        return tuple(found)


class _Inside(Store):
    """Reads within a transaction that somebody else began."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    @contextmanager
    def read(self) -> Iterator[sa.Connection]:
        """Yield the connection of the transaction."""
        yield self._connection


def _is_in(taken: Snapshot, row: Any) -> bool:
    scope = taken.scope
    return (
        scope.start <= row.made_at < scope.end
        and row.made_at <= scope.as_of
        and row.seq <= taken.mark.predictions
        and scope.deployment in (None, row.deployment)
    )


def _mark(connection: sa.Connection, record: Erasure, marked: Sequence[Marked]) -> None:
    connection.execute(sa.insert(erasure), _as_row(record))
    rows = [{"what": what, "number": number, "erasure": record.name} for what, number, _ in marked]
    connection.execute(sa.insert(erased), rows)


def _as_row(record: Erasure | Replaced) -> dict[str, Any]:
    return {name: getattr(record, name) for name in type(record).__slots__}


def _problem_of(connection: sa.Connection, record: Erasure) -> str | None:
    marked: list[Marked] = []
    for what, table in ROWS.items():
        held = sa.select(table.c.seq, table.c.body).join_from(erased, table, erased.c.number == table.c.seq)
        mine = held.where(erased.c.what == what, erased.c.erasure == record.name)
        marked += [(what, row.seq, row.body) for row in connection.execute(mine)]
    counted = record.predictions + record.feedback + record.quarantined
    if len(marked) != counted:
        return f"it covers {counted:,} rows, and {len(marked):,} are there"
    return None if digest_rows(marked) == record.rows else "a row that it covers was altered since"
