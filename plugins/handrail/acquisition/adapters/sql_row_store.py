"""Rows land in SQL: SQLite or PostgreSQL, a page and its position in one transaction."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from handrail.acquisition.domain.acquired import Manifest, Taken
from handrail.acquisition.domain.changes import SchemaChange
from handrail.acquisition.domain.pages import Arrived, Page, Position, Row, SetAside, Sifted
from handrail.acquisition.domain.tables import Column, Table
from handrail.acquisition.ports import RowStore
from handrail.errors import Conflict, UnknownReference
from handrail.storage import Store
from handrail.storage.bulk import insert, insert_new, read

MIGRATIONS = Path(__file__).parent / "migrations"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
END_OF_TIME = 2**63 - 1
AT_ONCE = 10_000

_sources = sa.table(
    "acquisition_source", *(sa.column(name) for name in ("name", "source", "agreed", "position", "newest"))
)
_rows = sa.Table(
    "acquisition_row",
    sa.MetaData(),
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("number", sa.BigInteger, primary_key=True),
    *(sa.Column(name, sa.Text) for name in ("key", "digest")),
    sa.Column("known_at", sa.BigInteger),
    *(sa.Column(name, sa.Text) for name in ("place", "body")),
    sa.Column("came_at", sa.BigInteger),
)
_aside = sa.table(
    "acquisition_aside", *(sa.column(name) for name in ("name", "digest", "at", "reason", "place", "text"))
)
_changes = sa.table("acquisition_change", *(sa.column(name) for name in ("name", "kind", "column", "detail", "at")))

OF_THE_NEWEST = """
    from {given} cross join acquisition_row r where r.name = {p} and r.number = (
        select n.number from acquisition_row n where n.name = {p} and n.key = g.a
        order by n.known_at desc, n.number desc limit 1
    )
"""
NEWEST = f"select r.key, r.digest {OF_THE_NEWEST}"
NEWEST_ROWS = f"select r.number, r.key, r.body, r.known_at, r.came_at {OF_THE_NEWEST} order by r.number"
SEEN_PLACES = (
    "select r.place, r.key, r.digest from {given} cross join acquisition_row r where r.name = {p} and r.place = g.a"
)


class SqlRowStore(RowStore):
    """Every version of every row as a JSON text, numbered in the order in which they came."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def table(self, name: str) -> Table | None:
        """Read what was agreed."""
        with self._store.read() as connection:
            found = connection.execute(sa.select(_sources.c.agreed).where(_sources.c.name == name)).scalar()
        if found is None:
            return None
        agreed = json.loads(found)
        return Table(name, tuple(Column(**each) for each in agreed["columns"]), tuple(agreed["key"]), agreed["known"])

    def agree(self, table: Table, source: str) -> None:
        """Insert the row of the source, unless it is there."""
        agreed = {"columns": [asdict(each) for each in table.columns], "key": table.key, "known": table.known}
        row = {"name": table.name, "source": source, "agreed": canonical(agreed), "newest": 0}
        with self._store.write() as connection:
            connection.execute(insert_new(connection, _sources), row)  # type: ignore[arg-type]

    def position(self, name: str) -> Position | None:
        """Read the position of the last page."""
        with self._store.read() as connection:
            return _position(connection, name)

    def append(self, name: str, page: Page, sifted: Sifted, before: Position | None) -> Taken:
        """Insert what is new of the page, and move the position, in one transaction."""
        with self._store.write() as connection:
            newest = self._taken(connection, name, page, before, must=bool(sifted.rows))
            if newest is None:
                return Taken(aside=self._set_aside(connection, name, sifted))
            rows, taken = _to_insert(connection, name, sifted.rows)
            # A clock that was set back does not make what comes later look older.
            came_at = max(micros(sifted.at), _came_at(connection, name, newest))
            numbered = [(name, newest + place, *row, came_at + place) for place, row in enumerate(rows, 1)]
            insert(connection, _rows, numbered)
            aside = self._set_aside(connection, name, sifted)
            changed: dict[str, Any] = {"newest": newest + len(rows)}
            if page.position is not None:
                changed["position"] = canonical(dict(page.position))
            connection.execute(sa.update(_sources).where(_sources.c.name == name).values(changed))
        return Taken(taken.new, taken.corrected, taken.repeated, aside)

    def note(self, name: str, changes: Sequence[SchemaChange], at: datetime) -> None:
        """Insert each change, unless it is there."""
        rows = [{"name": name, **asdict(each), "at": micros(at)} for each in changes]
        with self._store.write() as connection:
            connection.execute(insert_new(connection, _changes), rows)  # type: ignore[arg-type]

    def manifest(self, name: str, as_of: datetime | None = None) -> tuple[Manifest, datetime | None]:
        """Hash the rows as they come, in the order of keys."""
        digest, count, newest = hashlib.sha256(), 0, None
        with self._store.read() as connection:
            source = connection.execute(sa.select(_sources.c.source).where(_sources.c.name == name)).scalar()
            for body, known_at in _newest(connection, name, as_of):
                digest.update(body.encode() + b"\n")
                count += 1
                newest = known_at if newest is None else max(newest, known_at)
        known = None if newest is None else moment(newest)
        return Manifest(name, source or "", count, f"sha256:{digest.hexdigest()}"), known

    def rows(self, name: str, as_of: datetime | None = None) -> Iterator[Sequence[Any]]:
        """Give the values of each row in the order of the table's columns."""
        with self._store.read() as connection:
            for body, _ in _newest(connection, name, as_of):
                yield json.loads(body)

    def newest(self, name: str, keys: Sequence[str]) -> Sequence[Arrived]:
        """Look each key up in the index of keys."""
        wanted = list(dict.fromkeys(keys))
        with self._store.read() as connection:
            found = read(connection, NEWEST_ROWS, wanted, "text", more=(name, name))
        return [_arrived(*row) for row in found]

    def arrived(self, name: str, after: int, most: int) -> Sequence[Arrived]:
        """Read on in the order of numbers."""
        columns = (_rows.c.number, _rows.c.key, _rows.c.body, _rows.c.known_at, _rows.c.came_at)
        wanted = sa.select(*columns).where(_rows.c.name == name, _rows.c.number > after)
        with self._store.read() as connection:
            found = connection.execute(wanted.order_by(_rows.c.number).limit(most)).all()
        return [_arrived(*row) for row in found]

    def changes(self, name: str) -> Mapping[SchemaChange, datetime]:
        """Read them in the order in which they came."""
        wanted = sa.select(_changes).where(_changes.c.name == name).order_by(_changes.c.at, _changes.c.column)
        with self._store.read() as connection:
            found = connection.execute(wanted).all()
        return {SchemaChange(row.kind, row.column, row.detail): moment(row.at) for row in found}

    def quarantine(self, name: str) -> Mapping[str, int]:
        """Count in SQL."""
        counted = sa.select(_aside.c.reason, sa.func.count()).where(_aside.c.name == name)
        with self._store.read() as connection:
            found = connection.execute(counted.group_by(_aside.c.reason).order_by(_aside.c.reason)).all()
        return {reason: count for reason, count in found}

    def history(self, name: str) -> Iterator[tuple[int, Row]]:
        """Read them by number."""
        wanted = sa.select(_rows).where(_rows.c.name == name).order_by(_rows.c.number)
        with self._store.read() as connection:
            for row in connection.execution_options(yield_per=AT_ONCE).execute(wanted):
                yield row.number, Row(row.key, row.body, moment(row.known_at), row.place)

    def aside(self, name: str) -> Iterator[SetAside]:
        """Read them by when they came."""
        wanted = sa.select(_aside).where(_aside.c.name == name).order_by(_aside.c.at, _aside.c.digest)
        with self._store.read() as connection:
            for row in connection.execution_options(yield_per=AT_ONCE).execute(wanted):
                yield SetAside(row.text, row.reason, row.place, moment(row.at))

    def _taken(
        self, connection: Connection, name: str, page: Page, before: Position | None, *, must: bool
    ) -> int | None:
        """Return the number of the newest row, with the source held for this transaction alone; None if not agreed."""
        wanted = sa.select(_sources.c.newest, _sources.c.position).where(_sources.c.name == name)
        found = connection.execute(wanted.with_for_update()).one_or_none()
        if found is None and must:
            raise UnknownReference("table", name, "Agree on its columns first.")
        if found is None:
            return None
        at = None if found.position is None else json.loads(found.position)
        if page.position is not None and at != (None if before is None else dict(before)):
            remedy = "Somebody else acquires this table and was quicker: let one alone do it, and run this again."
            raise Conflict("position", name, remedy)
        return int(found.newest)

    def _set_aside(self, connection: Connection, name: str, sifted: Sifted) -> int:
        if not sifted.aside:
            return 0
        at = micros(sifted.at)
        rows = {
            each.digest: {
                "name": name,
                "digest": each.digest,
                "at": at,
                "reason": _stored(each.reason),
                "place": _stored(each.place),
                "text": _stored(each.text),
            }
            for each in sifted.aside
        }
        return int(connection.execute(insert_new(connection, _aside), list(rows.values())).rowcount)  # type: ignore[arg-type]


def _to_insert(connection: Connection, name: str, rows: Sequence[Row]) -> tuple[list[tuple[Any, ...]], Taken]:
    """Return the versions that are not there yet, as columns, and what became of each row."""
    keys = list({row.key for row in rows})
    newest: dict[str, str] = {key: digest for key, digest in read(connection, NEWEST, keys, "text", more=(name, name))}
    places = {row.place for row in rows if row.place}
    # A broker that was set up anew gives its places again, and a sender may give one to several readings.
    seen = {tuple(found) for found in read(connection, SEEN_PLACES, list(places), "text", more=(name,))}
    kept, new, corrected, repeated = [], 0, 0, 0
    for row in rows:
        digest = row.digest
        if (row.place, row.key, digest) in seen or newest.get(row.key) == digest:
            repeated += 1
            continue
        new, corrected = (new, corrected + 1) if row.key in newest else (new + 1, corrected)
        newest[row.key] = digest
        if row.place:
            seen.add((row.place, row.key, digest))
        kept.append((row.key, digest, micros(row.known_at), row.place, row.body))
    return kept, Taken(new, corrected, repeated)


def _arrived(number: int, key: str, body: str, known_at: int, came_at: int) -> Arrived:
    return Arrived(number, key, body, moment(known_at), moment(came_at))


def _came_at(connection: Connection, name: str, number: int) -> int:
    """Return when the version with a number came, 0 if there is none."""
    wanted = sa.select(_rows.c.came_at).where(_rows.c.name == name, _rows.c.number == number)
    return int(connection.execute(wanted).scalar() or 0)


def _newest(connection: Connection, name: str, as_of: datetime | None) -> Iterator[tuple[str, int]]:
    """Give the body of the newest version of each row that was known then, and since when it is known."""
    sql = sa.text(
        "select key, body, known_at from acquisition_row where name = :name and known_at <= :until "
        f"order by key{_bytewise(connection)}, known_at, number"
    )
    until = END_OF_TIME if as_of is None else micros(as_of)
    found = connection.execution_options(yield_per=AT_ONCE).execute(sql, {"name": name, "until": until})
    before: Any = None
    for row in found:
        if before is not None and before.key != row.key:
            yield before.body, before.known_at
        before = row
    if before is not None:
        yield before.body, before.known_at


def _bytewise(connection: Connection) -> str:
    return ' collate "C"' if connection.dialect.name == "postgresql" else ""


def _position(connection: Connection, name: str) -> Position | None:
    found = connection.execute(sa.select(_sources.c.position).where(_sources.c.name == name)).scalar()
    return None if found is None else json.loads(found)


def canonical(value: Any) -> str:
    """Return the JSON text of a value."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def micros(at: datetime) -> int:
    """Return a moment in microseconds since 1970, as it is kept."""
    return (at - EPOCH) // MICROSECOND


def moment(micros_: int) -> datetime:
    """Return a moment that is kept in microseconds since 1970."""
    return EPOCH + micros_ * MICROSECOND


def _stored(text: str) -> str:
    """Return a text as PostgreSQL can keep it: it has no zero byte."""
    return text.replace("\0", "\\0")
