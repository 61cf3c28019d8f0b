"""How many records a CSV or Parquet file has: a frame logged as its content cannot have more."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

LARGEST_CSV_BYTES = 256 << 20


@dataclass(frozen=True, slots=True)
class TableShape:
    """The records of a file; `first` is the first one of a CSV file, which may be its header."""

    records: int
    first: tuple[str, ...] = ()


def shape_of(file: Path, name: str) -> TableShape | None:
    """Return the shape of a file whose name ends in .csv or .parquet; None if it has another form or is too large."""
    suffix = Path(name).suffix.lower()
    try:
        if suffix == ".parquet" and find_spec("pyarrow"):
            return _parquet(file)
        if suffix == ".csv" and file.stat().st_size <= LARGEST_CSV_BYTES:
            return _csv(file)
    except (OSError, ValueError, csv.Error):
        return None
    return None


def _parquet(file: Path) -> TableShape:
    from pyarrow.parquet import read_metadata

    return TableShape(int(read_metadata(file).num_rows))


def _csv(file: Path) -> TableShape:
    with file.open(encoding="utf-8", newline="") as stream:
        # Blank lines are no records: readers of frames leave them out.
        records = (record for record in csv.reader(stream) if record)
        first = next(records, [])
        return TableShape(sum(1 for _ in records) + bool(first), tuple(first))
