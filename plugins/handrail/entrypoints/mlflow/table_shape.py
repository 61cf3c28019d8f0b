"""What lineage can compare of a CSV or Parquet file: a frame logged as its content cannot have more records."""

from __future__ import annotations

import csv
import re
from importlib.util import find_spec
from pathlib import Path
from typing import Any

LARGEST_CSV_BYTES = 256 << 20
MOST_COLUMNS = 200
_COLUMN = re.compile(r"[A-Za-z_][\w .:/()%-]{0,79}")


def shape_of(file: Path, name: str) -> dict[str, Any]:
    """Return the `records` of a file whose name ends in .csv or .parquet, the header's included.

    With them the `header` of a CSV file, if its first record looks like one: names of columns. Nothing of a file that
    has another form, is too large, or cannot be read.
    """
    suffix = Path(name).suffix.lower()
    try:
        if suffix == ".parquet" and find_spec("pyarrow"):
            return _parquet(file)
        if suffix == ".csv" and file.stat().st_size <= LARGEST_CSV_BYTES:
            return _csv(file)
    except (OSError, ValueError, csv.Error):
        pass
    return {}


def _parquet(file: Path) -> dict[str, Any]:
    from pyarrow.parquet import read_metadata

    return {"records": int(read_metadata(file).num_rows)}


def _csv(file: Path) -> dict[str, Any]:
    with file.open(encoding="utf-8", newline="") as stream:
        # Blank lines are not records: readers of frames leave them out.
        records = (record for record in csv.reader(stream) if record)
        first = next(records, [])
        counted: dict[str, Any] = {"records": sum(1 for _ in records) + bool(first)}
    # Only what looks like names of columns: a first record of data stays where it is.
    if first and all(map(_COLUMN.fullmatch, first)):
        counted["header"] = first[:MOST_COLUMNS]
    return counted
