"""What changed in the columns of a source: new, gone, renamed, another type."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from handrail.acquisition.domain.likeness import ALIKE, likeness
from handrail.acquisition.domain.tables import Column, Table, type_of, value_of

Kind = Literal["new", "gone", "renamed", "retyped"]
Rows = Sequence[Mapping[str, Any]]
LEAST_ROWS = 5
"""From so many rows on, what none of them has is a change of the columns and not a mistake in a row."""


@dataclass(frozen=True, slots=True)
class SchemaChange:
    """One change of a source's columns; `detail` is the other name or type, the type of one that is new."""

    kind: Kind
    column: str
    detail: str = ""

    def __str__(self) -> str:
        return {
            "new": f"the column {self.column!r} is new",
            "gone": f"the column {self.column!r} is gone",
            "renamed": f"the column {self.column!r} is gone, and {self.detail!r} may be its new name",
            "retyped": f"the column {self.column!r} holds {self.detail} now",
        }[self.kind]

    def shown_by(self, row: Mapping[str, Any]) -> bool:
        """Whether a row has it; one that is retyped does not fit anyway, and says so itself."""
        if self.kind == "retyped":
            return False
        if self.kind == "gone":
            return self.column not in row
        return (self.detail if self.kind == "renamed" else self.column) in row


def changes(
    table: Table, rows: Rows, ignored: Sequence[str] = (), before: Callable[[], Rows] = tuple
) -> Sequence[SchemaChange]:
    """Return what the rows of a page have other than their table says; names in `ignored` are not looked at.

    A column is gone if no row has it. It may be renamed if one of the same type is new at once whose values are like
    those that `before` gives, rows of earlier; without any, if it alone is gone and one alone is new.
    """
    if not rows:
        return ()
    seen = {name for row in rows for name in row}
    gone = [column for column in table.columns if column.name not in seen] if len(rows) >= LEAST_ROWS else []
    names = [name for name in sorted(seen - set(table.names)) if name not in ignored]
    new = {name: type_of([row.get(name) for row in rows]) for name in names}
    renamed = _renamed(gone, new, rows, before() if gone and new else ())
    found = [
        SchemaChange("renamed", column.name, renamed[column.name])
        if column.name in renamed
        else SchemaChange("gone", column.name)
        for column in gone
    ]
    found += [SchemaChange("new", name, type_) for name, type_ in new.items() if name not in renamed.values()]
    return found + _retyped(table, rows, seen)


def _renamed(gone: list[Column], new: Mapping[str, str], rows: Rows, before: Rows) -> dict[str, str]:
    """Return which new name each column that is gone may have, the most alike first."""
    pairs = [(column, name) for column in gone for name, type_ in new.items() if type_ == column.type]
    if not before:
        return {pairs[0][0].name: pairs[0][1]} if len(gone) == len(pairs) == 1 else {}
    alike = []
    for column, name in pairs:
        old = [row.get(column.name) for row in before]
        alike.append((-likeness(column, old, [row.get(name) for row in rows]), column.name, name))
    found: dict[str, str] = {}
    for unlike, column_name, name in sorted(alike):
        if -unlike >= ALIKE and column_name not in found and name not in found.values():
            found[column_name] = name
    return found


def _retyped(table: Table, rows: Rows, seen: set[str]) -> list[SchemaChange]:
    found = []
    for column in table.columns:
        given = (row[column.name] for row in rows if row.get(column.name) not in (None, ""))
        # Nearly always the first value says that nothing changed.
        if column.name not in seen or any(_fits(column, value) for value in given):
            continue
        values = [row[column.name] for row in rows if row.get(column.name) not in (None, "")]
        if len(values) >= LEAST_ROWS:
            found.append(SchemaChange("retyped", column.name, type_of(values)))
    return found


def _fits(column: Column, value: Any) -> bool:
    try:
        value_of(column, value)
    except ValueError:
        return False
    return True
