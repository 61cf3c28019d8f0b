"""Every version of every row of a table, as it came, in Parquet files of one folder: what a push source learns offline.

Which versions a file holds follows from its name alone, so writing again what was written changes nothing.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from handrail.acquisition.adapters.parquet_tables import TYPES, columns_of
from handrail.acquisition.domain.pages import Arrived
from handrail.acquisition.domain.tables import Table
from handrail.acquisition.ports import RowStore
from handrail.errors import InvalidInput
from handrail.files import replacing

KNOWN_AT, CAME_AT = "known_at", "came_at"
MOMENT = TYPES["moment"]
PART_ROWS = 100_000
NAME = "part-{:08d}.parquet"


def write_parts(store: RowStore, table: Table, folder: Path, part_rows: int = PART_ROWS) -> int:
    """Write what came since the last writing, and return how many versions the folder holds now.

    A file that is full is never written again; the last one is replaced at once. A folder that is not there is made.

    Raises:
        InvalidInput: a column is called as one of the two that are added, or a file there is not one of these.
        Unavailable: the disk is full, or the folder cannot be written.
    """
    for name in (KNOWN_AT, CAME_AT):
        if name in table.names:
            raise InvalidInput(table.name, f"it has a column {name!r} of its own", "List `columns` without it.")
    number = _full_files(store, table, folder, part_rows)
    rows = store.arrived(table.name, number * part_rows, part_rows)
    while rows or not number:
        with replacing(folder / NAME.format(number)) as beside:
            pq.write_table(arrived_table(table, rows), beside, compression="zstd")
        if len(rows) < part_rows:
            return number * part_rows + len(rows)
        number += 1
        rows = store.arrived(table.name, number * part_rows, part_rows)
    return number * part_rows


def arrived_table(table: Table, rows: Sequence[Arrived]) -> pa.Table:
    """Return versions as an Arrow table: the table's columns, since when each is known, and when it came."""
    schema = pa.schema(
        [*((column.name, TYPES[column.type]) for column in table.columns), (KNOWN_AT, MOMENT), (CAME_AT, MOMENT)]
    )
    columns = columns_of(table, [json.loads(row.body) for row in rows])
    moments = [pa.array([row.known_at for row in rows], MOMENT), pa.array([row.came_at for row in rows], MOMENT)]
    return pa.table([*columns, *moments], schema=schema)


def _full_files(store: RowStore, table: Table, folder: Path, part_rows: int) -> int:
    """Return how many full files there are; those before a full one are full too."""
    files = sorted(folder.glob("part-*.parquet")) if folder.is_dir() else []
    if not files:
        return 0
    last = files[-1]
    try:
        number, came = int(last.stem.partition("-")[2]), pq.read_table(last, columns=[CAME_AT]).column(0).to_pylist()
    except (ValueError, pa.ArrowException, OSError) as err:
        raise InvalidInput(str(last), "it is no file of an acquired table", "Remove it, or name a folder.") from err
    first = [row.came_at for row in store.arrived(table.name, number * part_rows, 1)]
    if came and came[:1] != first:
        remedy = "Name another folder, or remove this one to have it written anew."
        raise InvalidInput(str(folder), f"its rows are not those that were acquired of {table.name} here", remedy)
    return number + (len(came) >= part_rows)
