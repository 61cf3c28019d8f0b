"""Versions of a table's description: what a change of the source's columns leads to, and what the next one is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, cast

from handrail.acquisition.domain.changes import SchemaChange
from handrail.acquisition.domain.tables import Column, Table, Type
from handrail.errors import InvalidInput

Choice = Literal["stop", "open", "wait", "go_on"]
GRAVEST: tuple[Choice, ...] = ("stop", "open", "wait", "go_on")
"""Of several changes in one page the first of these decides."""


@dataclass(frozen=True, slots=True)
class OnChange:
    """What a change of the source's columns leads to, by its kind, and by column where `columns` names it.

    `stop` leaves the position where it is; `open` opens a new version of the table; `wait` sets rows with the change
    aside, whole, until a version is opened; `go_on` takes what still fits.
    """

    new: Choice = "go_on"
    gone: Choice = "stop"
    renamed: Choice = "stop"
    retyped: Choice = "stop"
    columns: Mapping[str, Choice] = field(default_factory=dict)

    def choice(self, change: SchemaChange) -> Choice:
        """Return what one change leads to."""
        return self.columns.get(change.column, cast("Choice", getattr(self, change.kind)))

    def gravest(self, changes: Sequence[SchemaChange]) -> Choice:
        """Return what several changes at once lead to."""
        return min((self.choice(each) for each in changes), key=GRAVEST.index, default="go_on")


@dataclass(frozen=True, slots=True)
class TableVersion:
    """A version of a table's description after its first: when and by whom it was opened, and for what.

    `renamed` has the names that somebody confirmed, old to new. `carried` says that what was known before is in it.
    """

    number: int
    at: datetime
    by: str
    changes: tuple[SchemaChange, ...]
    renamed: Mapping[str, str] = field(default_factory=dict)
    carried: bool = False


def name_of(table: str, number: int) -> str:
    """Return the name under which the rows of a version stay; the first has the table's own."""
    return table if number == 1 else f"{table}.v{number}"


def described(table: Table, changes: Sequence[SchemaChange], renamed: Mapping[str, str], name: str) -> Table:
    """Return the table after the changes. A new name that nobody confirmed is one column gone and another new.

    Raises:
        InvalidInput: a column of the key, or the one with since when rows are known, is gone; or a confirmed name is
            not that of a column that is gone or of one that is new.
    """
    gone = {each.column for each in changes if each.kind in ("gone", "renamed")}
    types = {each.column: each.detail for each in changes if each.kind == "retyped"}
    of_old = {column.name: column for column in table.columns}
    new = {each.column: each.detail or "text" for each in changes if each.kind == "new"}
    new |= {each.detail: of_old[each.column].type for each in changes if each.kind == "renamed" and each.detail}
    for old, other in renamed.items():
        if old not in gone or other not in new:
            remedy = f"Gone are: {', '.join(sorted(gone)) or 'none'}; new are: {', '.join(sorted(new)) or 'none'}."
            raise InvalidInput("--renamed", f"{old}={other} is not one that is gone and one that is new", remedy)
    columns = []
    for column in table.columns:
        if column.name in renamed:
            columns.append(Column(renamed[column.name], column.type, column.required))
        elif column.name not in gone:
            columns.append(Column(column.name, cast("Type", types.get(column.name, column.type)), column.required))
    taken = {column.name for column in columns}
    columns += [Column(other, cast("Type", type_)) for other, type_ in new.items() if other not in taken]
    made = Table(
        name,
        tuple(columns),
        tuple(renamed.get(each, each) for each in table.key),
        renamed.get(table.known, table.known) if table.known else None,
    )
    for needed in (*made.key, *([made.known] if made.known else [])):
        if needed not in made.names:
            remedy = "Give its new name with --renamed, or the table another key and name in config/sources.yaml."
            raise InvalidInput(table.name, f"its column {needed!r} is gone, which each row needs", remedy)
    return made
