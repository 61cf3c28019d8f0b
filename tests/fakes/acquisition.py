"""A source and a store in memory."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from handrail.acquisition import Arrived, Manifest, Page, Row, SchemaChange, SetAside, Table, TableVersion, Taken
from handrail.acquisition.domain.pages import Position, Sifted
from handrail.acquisition.ports import Moments, OnlineTable, RowStore, Source, Versions, Watermarks
from handrail.errors import Conflict, Misconfigured, UnknownReference


@dataclass
class SourceInMemory(Source):
    """Rows in a list, `size` a page, from the number in the position on; `again` rows before it come once more."""

    given: list[Mapping[str, Any]] = field(default_factory=list)
    size: int = 2
    again: int = 0
    confirmed: list[Page] = field(default_factory=list)

    @property
    def name(self) -> str:
        """Always the same."""
        return "memory://rows"

    def pages(self, since: Position | None) -> Generator[Page, None, None]:
        """Give what comes after the position."""
        at = max((since or {"rows": 0})["rows"] - self.again, 0)
        while at < len(self.given):
            rows = self.given[at : at + self.size]
            at += len(rows)
            yield Page(rows, {"rows": at})

    def confirm(self, page: Page) -> None:
        """Keep which."""
        self.confirmed.append(page)

    def close(self) -> None:
        """Nothing is open."""


class RowsInMemory(RowStore):
    """Versions in a list."""

    def __init__(self) -> None:
        self._agreed: dict[str, tuple[Table, str]] = {}
        self._positions: dict[str, Position] = {}
        self._rows: dict[str, list[Row]] = {}
        self._came: dict[str, list[datetime]] = {}
        self._aside: dict[str, dict[str, SetAside]] = {}
        self._changes: dict[str, dict[SchemaChange, datetime]] = {}

    def table(self, name: str) -> Table | None:
        """Look it up."""
        return self._agreed[name][0] if name in self._agreed else None

    def agree(self, table: Table, source: str) -> None:
        """Keep the first."""
        self._agreed.setdefault(table.name, (table, source))

    def position(self, name: str) -> Position | None:
        """Look it up."""
        return self._positions.get(name)

    def append(self, name: str, page: Page, sifted: Sifted, before: Position | None) -> Taken:
        """Append what is new."""
        if name not in self._agreed and sifted.rows:
            raise UnknownReference("table", name, "Agree on its columns first.")
        if name not in self._agreed:
            return Taken(aside=self._keep_aside(name, sifted))
        if page.position is not None and self._positions.get(name) != before:
            raise Conflict("position", name, "Let one alone do it, and run this again.")
        kept, new, corrected, repeated = self._rows.setdefault(name, []), 0, 0, 0
        for row in sifted.rows:
            versions = sorted((each for each in kept if each.key == row.key), key=lambda each: each.known_at)
            came_before = (each for each in kept if (each.place, each.key, each.body) == (row.place, row.key, row.body))
            if (row.place and any(came_before)) or (versions and versions[-1].body == row.body):
                repeated += 1
                continue
            kept.append(row)
            self._note_arrival(name, sifted.at)
            new, corrected = (new, corrected + 1) if versions else (new + 1, corrected)
        set_aside = self._keep_aside(name, sifted)
        if page.position is not None:
            self._positions[name] = json.loads(json.dumps(page.position))
        return Taken(new, corrected, repeated, set_aside)

    def note(self, name: str, changes: Sequence[SchemaChange], at: datetime) -> None:
        """Keep the first moment of each."""
        for change in changes:
            self._changes.setdefault(name, {}).setdefault(change, at)

    def changes(self, name: str) -> Mapping[SchemaChange, datetime]:
        """Look them up."""
        return dict(self._changes.get(name, {}))

    def newest(self, name: str, keys: Sequence[str]) -> Sequence[Arrived]:
        """Look for the last of those that are known since last."""
        found = {}
        for each in sorted(self.arrived(name, 0, len(self._rows.get(name, []))), key=lambda each: each.known_at):
            if each.key in keys:
                found[each.key] = each
        return sorted(found.values(), key=lambda each: each.number)

    def arrived(self, name: str, after: int, most: int) -> Sequence[Arrived]:
        """Number them."""
        both = zip(self._rows.get(name, []), self._came.get(name, []), strict=True)
        numbered = [Arrived(at, row.key, row.body, row.known_at, came) for at, (row, came) in enumerate(both, 1)]
        return numbered[after : after + most]

    def manifest(self, name: str, as_of: datetime | None = None) -> tuple[Manifest, datetime | None]:
        """Hash the newest versions in the order of keys."""
        newest = self._newest(name, as_of)
        text = "".join(f"{row.body}\n" for row in newest)
        source = self._agreed[name][1] if name in self._agreed else ""
        digest = f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"
        return Manifest(name, source, len(newest), digest), max((row.known_at for row in newest), default=None)

    def rows(self, name: str, as_of: datetime | None = None) -> Iterator[Sequence[Any]]:
        """Read the bodies."""
        return iter([json.loads(row.body) for row in self._newest(name, as_of)])

    def quarantine(self, name: str) -> Mapping[str, int]:
        """Count by reason."""
        return dict(Counter(each.reason for each in self._aside.get(name, {}).values()))

    def history(self, name: str) -> Iterator[tuple[int, Row]]:
        """Number them."""
        return iter(list(enumerate(self._rows.get(name, []), 1)))

    def aside(self, name: str) -> Iterator[SetAside]:
        """Sort them by when they came."""
        return iter(sorted(self._aside.get(name, {}).values(), key=lambda each: (each.at, each.digest)))

    def _keep_aside(self, name: str, sifted: Sifted) -> int:
        aside = self._aside.setdefault(name, {})
        fresh = {each.digest: replace(each, at=sifted.at) for each in sifted.aside if each.digest not in aside}
        aside |= fresh
        return len(fresh)

    def _note_arrival(self, name: str, at: datetime) -> None:
        came = self._came.setdefault(name, [])
        came.append(max([at, *came[-1:]]) + timedelta(microseconds=1))

    def _newest(self, name: str, as_of: datetime | None) -> list[Row]:
        newest: dict[str, Row] = {}
        for row in sorted(self._rows.get(name, []), key=lambda each: each.known_at):
            if as_of is None or row.known_at <= as_of:
                newest[row.key] = row
        return [newest[key] for key in sorted(newest, key=str.encode)]


class VersionsInMemory(Versions):
    """Versions in a list a table."""

    def __init__(self) -> None:
        self._opened: dict[str, list[TableVersion]] = {}

    def opened(self, table: str) -> Sequence[TableVersion]:
        """Look them up."""
        return list(self._opened.get(table, ()))

    def open(self, table: str, version: TableVersion) -> None:
        """Append it if its number is the highest."""
        opened = self._opened.setdefault(table, [])
        if version.number <= (opened[-1].number if opened else 1):
            raise Conflict("version", f"{table}.v{version.number}", "Look at it first.")
        opened.append(version)

    def carried(self, table: str, number: int) -> None:
        """Mark it."""
        opened = self._opened.get(table, [])
        for at, version in enumerate(opened):
            if version.number == number:
                opened[at] = replace(version, carried=True)
                return
        raise UnknownReference("version", f"{table}.v{number}", "Open it first.")


@dataclass
class OnlineInMemory(OnlineTable):
    """The newest row of each thing, which the column `thing` names; `error` is raised while it is set."""

    thing: str = "sensor"
    rows: dict[Any, tuple[datetime, dict[str, Any]]] = field(default_factory=dict)
    error: Exception | None = None

    def push(self, table: Table, rows: Sequence[Arrived]) -> int:
        """Keep what is not older."""
        if self.error is not None:
            raise self.error
        if self.thing not in table.names:
            raise Misconfigured("memory", f"the table {table.name} has no column {self.thing!r}", "Add it.")
        newest: dict[Any, Arrived] = {}
        values = {row.number: dict(zip(table.names, json.loads(row.body), strict=True)) for row in rows}
        for row in sorted(rows, key=lambda each: (each.known_at, each.came_at)):
            newest[values[row.number][self.thing]] = row
        kept = {
            thing: row
            for thing, row in newest.items()
            if row.known_at >= self.rows.get(thing, (datetime.min.replace(tzinfo=UTC),))[0]
        }
        self.rows |= {thing: (row.known_at, values[row.number]) for thing, row in kept.items()}
        return len(kept)

    def close(self) -> None:
        """Nothing is open."""


@dataclass
class WatermarksInMemory(Watermarks):
    """Moments in a dict."""

    kept: dict[tuple[str, str], Moments] = field(default_factory=dict)

    def noted(self, place: str, things: Sequence[str]) -> Mapping[str, Moments]:
        """Look them up."""
        return {thing: self.kept[place, thing] for thing in things if (place, thing) in self.kept}

    def note(self, place: str, moments: Mapping[str, Moments]) -> None:
        """Keep the later."""
        for thing, given in moments.items():
            self.kept[place, thing] = max(given, self.kept.get((place, thing), given))
