"""Reads a source to its end, so that no row is lost or doubled, wherever the process ends in between."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from handrail.acquisition.domain.acquired import Acquired, Taken
from handrail.acquisition.domain.changes import LEAST_ROWS, SchemaChange, changes
from handrail.acquisition.domain.pages import Page, Position, sift
from handrail.acquisition.domain.tables import Column, Table, type_of
from handrail.acquisition.ports import RowStore, Source
from handrail.errors import InvalidInput, Refused


@dataclass(slots=True)
class Acquiring:
    """Acquires one table from its source.

    A table without columns takes those of its first page, and keeps to them. A page is kept with its position in one
    step before the next is asked for, so a run that ends anywhere is gone on with by the next. `progress` is called
    after each page with what has taken so far; `go_on` accepts columns that changed, after they were recorded.
    """

    table: Table
    source: Source
    store: RowStore
    clock: Callable[[], datetime]
    progress: Callable[[Taken], None] = lambda _: None
    go_on: bool = False
    _taken: Taken = field(default_factory=Taken, init=False)
    _changes: dict[SchemaChange, None] = field(default_factory=dict, init=False)
    _recent: Sequence[Mapping[str, Any]] = field(default=(), init=False)

    def run(self) -> Acquired:
        """Read what is new until the source has no more, and return what is known of the table then.

        Raises:
            Refused: the source's columns are no longer those of the table. What was accepted before stays.
            Unavailable, Misconfigured, InvalidInput, Conflict: as the ports say.
        """
        position = self.store.position(self.table.name)
        self._agree_again()
        # A run that ends in between lets the source go at once.
        with closing(self.source.pages(position)) as pages:
            for page in pages:
                position = self._keep(page, position)
                self.source.confirm(page)
                self.progress(self._taken)
        return self.known()

    def known(self) -> Acquired:
        """Return what is known of the table, without reading its source."""
        name = self.table.name
        manifest, known_at = self.store.manifest(name)
        position, quarantine = self.store.position(name), self.store.quarantine(name)
        return Acquired(manifest, known_at, position, quarantine, self._taken, tuple(self._changes))

    def _keep(self, page: Page, before: Position | None) -> Position | None:
        received = self.clock()
        if page.rows:
            self._agree(page)
            self._look_at_columns(page, received)
        self._taken += self.store.append(self.table.name, page, sift(page, self.table, received), before)
        return before if page.position is None else page.position

    def _agree_again(self) -> None:
        agreed = self.store.table(self.table.name)
        if agreed is None:
            return
        if not self.table.columns:
            self.table = replace(self.table, columns=agreed.columns)
        if self.table.columns != agreed.columns or self.table.key != agreed.key:
            remedy = "Give the table another name: it is acquired anew, and what was acquired before stays."
            raise InvalidInput(self.table.name, "its columns or its key are not those that were agreed before", remedy)

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
        # Pages may be as small as one message.
        self._recent = [*self._recent, *page.rows][-max(LEAST_ROWS, len(page.rows)) :]
        found = changes(self.table, self._recent)
        new = [each for each in found if each not in self._changes]
        if not new:
            return
        self.store.note(self.table.name, new, received)
        self._changes |= dict.fromkeys(new)
        stopping = [str(each) for each in new if each.stops]
        if stopping and not self.go_on:
            raise Refused(
                f"Acquiring {self.table.name} from {self.source.name}",
                [
                    f"At the source {' and '.join(stopping)}.",
                    "Correct it there, or give the table another name in config/sources.yaml with the new columns, for "
                    "a new version of the feature set; --go-on takes what still fits and sets the rest aside.",
                ],
            )
