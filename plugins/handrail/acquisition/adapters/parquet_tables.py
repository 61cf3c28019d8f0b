"""An acquired table as a Parquet file: the same rows give the same bytes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from handrail.acquisition.domain.tables import Table
from handrail.acquisition.ports import RowStore
from handrail.files import replacing

AT_ONCE = 100_000
TYPES: dict[str, pa.DataType] = {
    "text": pa.string(),
    "whole": pa.int64(),
    "number": pa.float64(),
    "flag": pa.bool_(),
    "moment": pa.timestamp("us", tz="UTC"),
    "day": pa.date32(),
}


def write_table(store: RowStore, table: Table, file: Path, as_of: datetime | None = None) -> int:
    """Write the rows that were known at a moment, or all, in the order of keys; return how many.

    100,000 rows are in memory at once.
    """
    schema = pa.schema([(column.name, TYPES[column.type]) for column in table.columns])
    rows, written = iter(store.rows(table.name, as_of)), 0
    with replacing(file) as beside, pq.ParquetWriter(beside, schema, compression="zstd") as writer:
        while some := list(islice(rows, AT_ONCE)):
            writer.write_table(pa.table(columns_of(table, some), schema=schema))
            written += len(some)
    return written


def columns_of(table: Table, rows: Sequence[Sequence[Any]]) -> list[pa.Array]:
    """Return the values of rows by columns, each in its type."""
    made = []
    for place, column in enumerate(table.columns):
        values = [row[place] for row in rows]
        if column.type in ("moment", "day"):
            read: Any = datetime.fromisoformat if column.type == "moment" else date.fromisoformat
            values = [None if value is None else read(value) for value in values]
        made.append(pa.array(values, TYPES[column.type]))
    return made
