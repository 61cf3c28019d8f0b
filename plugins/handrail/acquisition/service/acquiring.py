"""Reads a source to its end, so that no row is lost or doubled, wherever the process ends in between."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import islice
from typing import Any

from handrail.acquisition.domain.acquired import Acquired, Taken
from handrail.acquisition.domain.changes import LEAST_ROWS, SchemaChange, changes
from handrail.acquisition.domain.pages import MOST_NEW, Page, Position, hold, leave_names, sift
from handrail.acquisition.domain.tables import Column, Table, type_of
from handrail.acquisition.domain.versions import OnChange, TableVersion, described
from handrail.acquisition.ports import OnlineTable, RowStore, Source, Versions
from handrail.acquisition.service.opening import Opening
from handrail.errors import InvalidInput, Refused

COMPARED = 1_000
"""Rows of before whose values a new column is compared with."""
BY_CONFIG = "config/sources.yaml"


@dataclass(slots=True)
class Acquiring:
    """Acquires one table from its source.

    A table without columns takes those of its first page, and keeps to them. A page is kept with its position in one
    step before the next is asked for, so a run that ends anywhere is gone on with by the next. `progress` is called
    after each page with what has taken so far. `on_change` says what columns that changed lead to; `go_on` accepts
    them all, after they were recorded. Where a new version of the table was opened, `table` is that one.

    What is kept of a page is pushed to `online` before the source learns that the page is on the disk: a run that ends
    in between pushes it again. That needs a source that itself keeps how far it was read, as a broker does.
    """

    table: Table
    source: Source
    store: RowStore
    versions: Versions
    clock: Callable[[], datetime]
    progress: Callable[[Taken], None] = lambda _: None
    go_on: bool = False
    on_change: OnChange = field(default_factory=OnChange)
    online: OnlineTable | None = None
    opening: Opening = field(init=False)
    _earlier: Sequence[Table] = field(default=(), init=False)
    _versions: Sequence[TableVersion] = field(default=(), init=False)
    _taken: Taken = field(default_factory=Taken, init=False)
    _changes: dict[SchemaChange, None] = field(default_factory=dict, init=False)
    _waiting: Sequence[SchemaChange] = field(default=(), init=False)
    _recent: Sequence[Mapping[str, Any]] = field(default=(), init=False)

    def __post_init__(self) -> None:
        """Learn the table's name, under which its versions are."""
        self.opening = Opening(self.table.name, self.store, self.versions)

    def run(self) -> Acquired:
        """Read what is new until the source has no more, and return what is known of the table then.

        Raises:
            Refused: the source's columns are no longer those of the table. What was accepted before stays.
            Unavailable, Misconfigured, InvalidInput, Conflict: as the ports say.
        """
        self.read()
        return self.known()

    def read(self, stopped: Callable[[], bool] = lambda: False) -> Taken:
        """Read what is new until the source has no more, or `stopped` after a page; return what it became so far.

        Raises:
            Refused, Unavailable, Misconfigured, InvalidInput, Conflict: as for `run`.
        """
        self._agree_again()
        while not self._read(stopped):
            pass
        return self._taken

    def known(self) -> Acquired:
        """Return what is known of the table, without reading its source."""
        name = self.table.name
        manifest, known_at = self.store.manifest(name)
        position, quarantine = self.store.position(name), self.store.quarantine(name)
        return Acquired(manifest, known_at, position, quarantine, self._taken, tuple(self._changes))

    def _read(self, stopped: Callable[[], bool]) -> bool:
        """Read to the end, or until `stopped`; return False where a new version needs the source from its start."""
        position, name = self.store.position(self.table.name), self.table.name
        # A run that ends in between lets the source go at once.
        with closing(self.source.pages(position)) as pages:
            for given in pages:
                received, page = self.clock(), self._with_names_to_keep(given)
                if page.rows or self.table.columns:
                    self._agree(page)
                if page.rows:
                    self._look_at_columns(page, received)
                    if self.table.name != name and page.position is not None:
                        return False
                    # A broker keeps how far it was read; this page is the first of the new version.
                    name = self.table.name
                position = self._keep(page, received, position)
                self.source.confirm(given)
                self.progress(self._taken)
                if stopped():
                    break
        return True

    def _keep(self, page: Page, received: datetime, before: Position | None) -> Position | None:
        left, held = hold(self._under_new_names(page), self._waiting)
        sifted = sift(left, self.table, received)
        sifted = replace(sifted, aside=[*sifted.aside, *held])
        self._taken += self.store.append(self.table.name, page, sifted, before)
        if self.online is not None and sifted.rows:
            # What came before and was corrected since must not come back: what counts is what is kept.
            kept = self.store.newest(self.table.name, [row.key for row in sifted.rows])
            self.online.push(self.table, kept)
        # Before the first row nobody knows the columns, and no position is kept.
        return before if page.position is None or not self.table.columns else page.position

    def _with_names_to_keep(self, page: Page) -> Page:
        known = [*self.table.names, *(name for each in self._earlier for name in each.names)]
        return leave_names(page, known, self._noted_names, MOST_NEW if self.table.columns else None)

    def _noted_names(self) -> set[str]:
        noted = [each for each in self.store.changes(self.table.name) if each.kind in ("new", "renamed")]
        return {each.detail if each.kind == "renamed" else each.column for each in noted}

    def _under_new_names(self, page: Page) -> Page:
        """Return the page with the names that somebody confirmed: a source may have rows with the old ones as well."""
        rows = page.rows
        for version in self._versions:
            for old, new in version.renamed.items():
                if any(old in row for row in rows):
                    rows = [_called(row, old, new) for row in rows]
        return page if rows is page.rows else replace(page, rows=rows)

    def _agree_again(self) -> None:
        agreed = self.opening.tables()
        if not agreed:
            return
        declared, newest = self.table, agreed[-1]
        # What a version was opened from may stay in the file.
        for each in agreed:
            if (declared.columns or each.columns, declared.key) == (each.columns, each.key):
                break
        else:
            remedy = f"Open a new version of it with handrail sources open {declared.name}, or give it another name."
            raise InvalidInput(declared.name, "its columns or its key are not those that were agreed before", remedy)
        known = declared.known if len(agreed) == 1 else newest.known
        self._turn_to(replace(newest, known=known), agreed[:-1])
        self.opening.carry()

    def _turn_to(self, table: Table, earlier: Sequence[Table]) -> None:
        self.table, self._earlier, self._recent = table, earlier, ()
        self._versions = self.versions.opened(self.opening.name)
        waits = [each for each in self.store.changes(table.name) if self.on_change.choice(each) == "wait"]
        self._waiting = () if self.go_on else waits

    def _agree(self, page: Page) -> None:
        if not self.table.columns:
            names = dict.fromkeys(name for row in page.rows for name in row)
            columns = tuple(Column(name, type_of([row.get(name) for row in page.rows])) for name in names)
            self.table = replace(self.table, columns=columns)
        for name in self.table.key if self.table.known is None else (*self.table.key, self.table.known):
            if name not in self.table.names:
                remedy = f"Write one of: {', '.join(self.table.names)}."
                raise InvalidInput(self.table.name, f"it has no column {name!r}", remedy)
        self.store.agree(self.table, self.source.name)

    def _look_at_columns(self, page: Page, received: datetime) -> None:
        if page.position is not None and self._is_of_before(page):
            return
        # Pages may be as small as one message.
        self._recent = [*self._recent, *page.rows][-max(LEAST_ROWS, len(page.rows)) :]
        once_there = [name for each in self._earlier for name in each.names if name not in self.table.names]
        found = self._as_noted(changes(self.table, self._recent, once_there, self._some_before))
        new = [each for each in found if each not in self._changes]
        if not new:
            return
        self.store.note(self.table.name, new, received)
        self._changes |= dict.fromkeys(new)
        choice = "go_on" if self.go_on else self.on_change.gravest(new)
        if choice == "stop":
            raise self._refused(new)
        if choice == "open":
            self._open(received)
        elif choice == "wait":
            self._waiting = [*self._waiting, *(each for each in new if self.on_change.choice(each) == "wait")]

    def _is_of_before(self, page: Page) -> bool:
        """Whether an earlier version has the page's columns rather than this: a source read anew has those too."""
        seen = {name for row in page.rows for name in row}
        differs = len(seen ^ set(self.table.names))
        return any(len(seen ^ set(each.names)) < differs for each in self._earlier)

    def _open(self, received: datetime) -> None:
        before, noted = self.opening.tables(), self.opening.noted()
        next_one = described(before[-1], noted, {}, self.opening.name)
        if any(next_one.columns == each.columns for each in before[:-1]):
            remedy = "Correct it there, or open a version with handrail sources open."
            action = f"Acquiring {self.table.name} from {self.source.name}"
            raise Refused(action, [f"It has rows of an earlier version again ({'; '.join(map(str, noted))}).", remedy])
        self._turn_to(self.opening.open(BY_CONFIG, received, noted, {}, None), before)

    def _as_noted(self, found: Sequence[SchemaChange]) -> Sequence[SchemaChange]:
        """Return the changes; a new column is the same change, whatever type the values of a page suggest."""
        noted = {each.column: each for each in self.store.changes(self.table.name) if each.kind == "new"}
        return [noted.get(each.column, each) if each.kind == "new" else each for each in found]

    def _some_before(self) -> Sequence[Mapping[str, Any]]:
        rows = self.store.rows(self.table.name)
        return [dict(zip(self.table.names, row, strict=True)) for row in islice(rows, COMPARED)]

    def _refused(self, new: Sequence[SchemaChange]) -> Refused:
        name = self.opening.name
        stopping = [str(each) for each in new if self.on_change.choice(each) == "stop"]
        renamed = [f" --renamed {each.column}={each.detail}" for each in new if each.kind == "renamed"]
        if_so = f", if {'it is so' if len(renamed) == 1 else 'they are so'} with{''.join(renamed)}" if renamed else ""
        return Refused(
            f"Acquiring {self.table.name} from {self.source.name}",
            [
                f"At the source {' and '.join(stopping)}.",
                f"Nothing of it was taken, and the position stays. Correct it there; or open a new version of the "
                f"table with handrail sources open {name}{if_so}, for a new version of the feature set; --go-on "
                "takes what still fits and sets the rest aside.",
            ],
        )


def _called(row: Mapping[str, Any], old: str, new: str) -> Mapping[str, Any]:
    if old not in row or new in row:
        return row
    return {new if name == old else name: value for name, value in row.items()}
