"""What changed in the columns of a source: new, gone, renamed, another type."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from handrail.acquisition.domain.tables import Column, Table, type_of, value_of

Kind = Literal["new", "gone", "renamed", "retyped"]
LEAST_ROWS = 5
"""From so many rows on, what none of them has is a change of the columns and not a mistake in a row."""


@dataclass(frozen=True, slots=True)
class SchemaChange:
    """One change of a source's columns; `detail` is the other name or type."""

    kind: Kind
    column: str
    detail: str = ""

    def __str__(self) -> str:
        return {
            "new": f"the column {self.column!r} is new",
            "gone": f"the column {self.column!r} is gone",
            "renamed": f"the column {self.column!r} is called {self.detail!r} now",
            "retyped": f"the column {self.column!r} holds {self.detail} now",
        }[self.kind]

    @property
    def stops(self) -> bool:
        """Whether rows can no longer be what the table says. A new column takes nothing away."""
        return self.kind != "new"


def changes(table: Table, rows: Sequence[Mapping[str, Any]], ignored: Sequence[str] = ()) -> Sequence[SchemaChange]:
    """Return what the rows of a page have other than their table says; names in `ignored` are not looked at.

    A column is gone if no row has it, and renamed if exactly one of the same type is new at once.
    """
    if not rows:
        return ()
    seen = {name for row in rows for name in row}
    gone = [column for column in table.columns if column.name not in seen] if len(rows) >= LEAST_ROWS else []
    new = sorted(seen - set(table.names) - set(ignored))
    found: list[SchemaChange] = []
    for column in gone:
        fits = [name for name in new if type_of([row.get(name) for row in rows]) == column.type]
        if len(gone) == 1 and len(fits) == 1:
            new.remove(fits[0])
            found.append(SchemaChange("renamed", column.name, fits[0]))
        else:
            found.append(SchemaChange("gone", column.name))
    found.extend(SchemaChange("new", name) for name in new)
    found.extend(_retyped(table, rows, seen))
    return found


def _retyped(table: Table, rows: Sequence[Mapping[str, Any]], seen: set[str]) -> list[SchemaChange]:
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
