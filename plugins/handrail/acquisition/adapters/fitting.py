"""Which rows of a table the fields of a feature view can hold: Feast takes all rows that it is given, or none."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import pandas as pd
import pyarrow as pa
from feast.utils import _convert_arrow_to_proto, _run_pyarrow_field_mapping
from feast.value_type import ValueType

from handrail.acquisition.adapters.parquet_parts import arrived_table
from handrail.acquisition.domain.pages import Arrived
from handrail.acquisition.domain.tables import Table, Type

MISFITS = (TypeError, ValueError, AssertionError, KeyError, OverflowError, pa.ArrowException)
"""What Feast and Arrow raise for values that are not of a field's type."""
HOLD_ALL: Mapping[Type, ValueType] = {
    "text": ValueType.STRING,
    "whole": ValueType.INT64,
    "number": ValueType.DOUBLE,
    "flag": ValueType.BOOL,
}
"""Types of fields that hold every value of a column's type."""
EVERYDAY: Mapping[Type, Any] = {
    "text": "a",
    "whole": 1,
    "number": 1.0,
    "flag": True,
    "moment": "2000-01-01T00:00:00+00:00",
    "day": "2000-01-01",
}
"""A value of each type that any field for it can hold."""
NULLABLE = {pa.int64(): pd.Int64Dtype(), pa.bool_(): pd.BooleanDtype()}
LONGEST = 200
REMEDY = "Give the field a wider type and apply it."


def frame_of(table: Table, rows: Sequence[Arrived]) -> pd.DataFrame:
    """Return rows as Feast takes them; whole numbers and flags stay what they are beside empty ones."""
    frame: pd.DataFrame = arrived_table(table, rows).to_pandas(types_mapper=NULLABLE.get)
    return frame


def fitting(view: Any, table: Table, rows: pd.DataFrame, say: Callable[[str], None]) -> pd.DataFrame:
    """Return the rows of a table that a view can hold; `say` gets one sentence about the others.

    Raises:
        one of MISFITS: a field of the view is not for values of its column, whatever they are.
    """
    if rows.empty or _holds_all(view, table) or not _problem(view, rows):
        return rows
    now = datetime.now(UTC)
    body = json.dumps([EVERYDAY[column.type] for column in table.columns])
    # What even an everyday row does not pass is a matter of the view, and for whoever wrote it.
    _convert(view, frame_of(table, [Arrived(1, body, body, now, now)]))
    left_out = {at: problem for at in rows.index if (problem := _problem(view, rows.loc[[at]]))}
    if left_out:
        first, problem = next(iter(left_out.items()))
        keys = ", ".join(f"{name} {rows.loc[first, name]!r}" for name in table.key)
        say(
            f"{len(left_out)} of {len(rows)} rows of {table.name} are kept and not online: a field of the view "
            f"{view.name} cannot hold the one of {keys[:LONGEST]} ({problem}). {REMEDY}"
        )
    return rows.drop(index=list(left_out))


def _holds_all(view: Any, table: Table) -> bool:
    """Say whether no value can be too large for a field, so that nothing has to be tried."""
    mapping = view.batch_source.field_mapping or {}
    types = {mapping.get(column.name, column.name): HOLD_ALL.get(column.type) for column in table.columns}
    fields = [*view.entity_columns, *view.features]
    return all(types.get(field.name) is field.dtype.to_value_type() for field in fields)


def _problem(view: Any, rows: pd.DataFrame) -> str:
    try:
        _convert(view, rows)
    except MISFITS as err:
        return str(err).partition("\n")[0].rstrip(".")[:LONGEST] or type(err).__name__
    return ""


def _convert(view: Any, rows: pd.DataFrame) -> None:
    """Make of rows what Feast writes, as its provider does."""
    table = pa.Table.from_pandas(rows)
    if view.batch_source.field_mapping:
        table = _run_pyarrow_field_mapping(table, view.batch_source.field_mapping)
    keys = {column.name: column.dtype.to_value_type() for column in view.entity_columns}
    _convert_arrow_to_proto(table, view, keys)
