"""Opens a new version of a table's description, and carries into it what was known before."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice
from typing import Any

from handrail.acquisition.domain.changes import SchemaChange
from handrail.acquisition.domain.pages import Page, SetAside, sift
from handrail.acquisition.domain.tables import Table
from handrail.acquisition.domain.versions import TableVersion, described, name_of
from handrail.acquisition.ports import RowStore, Versions
from handrail.errors import InvalidInput

AT_ONCE = 10_000


@dataclass(frozen=True, slots=True)
class Opening:
    """The versions of one table: which is the newest, and the next."""

    name: str
    store: RowStore
    versions: Versions

    def newest(self) -> TableVersion | None:
        """Return the newest version, None while there is only the first."""
        opened = self.versions.opened(self.name)
        return opened[-1] if opened else None

    def tables(self) -> Sequence[Table]:
        """Return the table as each version agreed on it, the newest last; none if nothing was acquired."""
        numbers = [1, *(each.number for each in self.versions.opened(self.name))]
        agreed = (self.store.table(name_of(self.name, number)) for number in numbers)
        return [table for table in agreed if table is not None]

    def noted(self) -> Sequence[SchemaChange]:
        """Return the changes that were seen since the newest version."""
        newest = self.newest()
        return tuple(self.store.changes(name_of(self.name, newest.number if newest else 1)))

    def open(
        self, by: str, at: datetime, changes: Sequence[SchemaChange], renamed: Mapping[str, str], declared: Table | None
    ) -> Table:
        """Open the next version for changes, and carry what was known into it; `declared` has its columns, if any.

        Raises:
            InvalidInput: nothing was acquired or changed, or a column that is needed is gone.
            Conflict: somebody else opened one meanwhile.
        """
        tables = self.tables()
        if not tables:
            raise InvalidInput(self.name, "nothing of it was acquired yet", "Run handrail acquire first.")
        if not changes and declared is None:
            raise InvalidInput(self.name, "no column of its source changed", "There is nothing to open a version for.")
        newest = self.newest()
        number = newest.number + 1 if newest else 2
        table = declared or described(tables[-1], changes, renamed, self.name)
        # One that was agreed on and not opened, because a process ended in between, is passed over.
        while self.store.table(name_of(self.name, number)) not in (None, _called(table, self.name, number)):
            number += 1
        table = _called(table, self.name, number)
        # Agreed on first: a version without columns could not be read by anybody.
        self.store.agree(table, self.store.manifest(tables[-1].name)[0].source)
        self.versions.open(self.name, TableVersion(number, at, by, tuple(changes), dict(renamed)))
        self.carry()
        return table

    def carry(self) -> None:
        """Put into the newest version what was known before, unless that was done to its end. Safe to repeat.

        Rows keep since when they are known; columns that they do not have are empty. What was set aside is tried
        again, as known since it came. What does not fit the new version is set aside in it.
        """
        version = self.newest()
        if version is None or version.carried:
            return
        *_, last, table = self.tables()
        before = last.name
        for some in _some(self._known(before, version.renamed)):
            self._append(table, some)
        for some in _some(self._waiting(before)):
            self._append(table, some)
        self.versions.carried(self.name, version.number)

    def _append(self, table: Table, given: Sequence[tuple[Mapping[str, Any], str, datetime]]) -> None:
        rows, places, since = [list(each) for each in zip(*given, strict=True)]
        # Of one place there may be several rows; their numbers here are of each alone.
        page = Page(rows, None, places=[str(at) for at in range(len(rows))])
        sifted = sift(page, replace(table, known=None), max(since))
        kept = [replace(row, known_at=since[int(row.place)], place=places[int(row.place)]) for row in sifted.rows]
        aside = [replace(each, place=places[int(each.place)]) for each in sifted.aside]
        self.store.append(table.name, page, replace(sifted, rows=kept, aside=aside), None)

    def _known(self, before: str, renamed: Mapping[str, str]) -> Iterator[tuple[Mapping[str, Any], str, datetime]]:
        table = self.store.table(before)
        assert table is not None, before
        names = [renamed.get(name, name) for name in table.names]
        for number, row in self.store.history(before):
            values = dict(zip(names, json.loads(row.body), strict=True))
            # By its place a row is known again, should this end in between.
            yield values, row.place or f"{before}#{number}", row.known_at

    def _waiting(self, before: str) -> Iterator[tuple[Mapping[str, Any], str, datetime]]:
        for entry in self.store.aside(before):
            row = _row(entry)
            if row is not None and entry.at is not None:
                yield row, entry.place or f"{before}#{entry.digest}", entry.at


def _called(table: Table, name: str, number: int) -> Table:
    return replace(table, name=name_of(name, number))


def _row(entry: SetAside) -> Mapping[str, Any] | None:
    """Return the row that was set aside, None for what could not even be read as one."""
    try:
        found = json.loads(entry.text)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def _some(given: Iterator[Any]) -> Iterator[list[Any]]:
    while some := list(islice(given, AT_ONCE)):
        yield some
