"""Tables that `handrail acquire --to FOLDER` wrote: a Parquet file each."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import polars as pl

from flows.steps.data.source_tables import COLUMNS, MOMENT
from flows.steps.data.sources import Source
from handrail.errors import InvalidInput, Unavailable
from handrail.files import sha256_of

ORDER = "row"
"""A column of this name has the number of each row at its source; without it rows are in the order of their keys."""


@dataclass(frozen=True, slots=True)
class AcquiredFiles(Source):
    """The files of one folder."""

    folder: Path

    def identity(self) -> dict[str, str]:
        """Return the sha256 of each table's file."""
        return {table: sha256_of(self._file(table)) for table in COLUMNS}

    def read(self, table: str) -> pl.DataFrame:
        """Read a table from its file; columns that the project does not know are left out."""
        file = self._file(table)
        wanted = {name: MOMENT if name == "time_hour" else kind for name, kind in COLUMNS[table].items()}
        try:
            frame = pl.read_parquet(file, glob=False)
        except pl.exceptions.PolarsError as err:
            raise InvalidInput(str(file), "it is no Parquet file", "Write it again: handrail acquire --to.") from err
        missing = [name for name in wanted if name not in frame.columns]
        if missing:
            remedy = "List them in `columns` of config/sources.yaml, and acquire the table again."
            raise InvalidInput(str(file), f"it has no {', '.join(missing)}", remedy)
        try:
            typed = frame.with_columns(pl.col(name).cast(kind) for name, kind in wanted.items())
        except pl.exceptions.PolarsError as err:
            problem = f"a column has another type ({str(err).splitlines()[0].rstrip('.')})"
            raise InvalidInput(str(file), problem, "Give `columns` of config/sources.yaml the types.") from err
        return (typed.sort(ORDER) if ORDER in typed.columns else typed).select(*wanted)

    def _file(self, table: str) -> Path:
        file = self.folder / f"{table}.parquet"
        if not file.is_file():
            raise Unavailable(str(file), "it is missing", f"Acquire it: handrail acquire {table} --to {self.folder}.")
        return file
