"""What the files of parts call their rows."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from handrail.feedback.domain.parts import Part
from handrail.feedback.erasure_ports import PartNames


class PyarrowPartNames(PartNames):
    """Names in Parquet files below a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def names(self, part: Part) -> Iterator[tuple[int, str]]:
        """Yield each row's number and id."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        column = "prediction_id" if part.what == "predictions" else "event_id"
        try:
            with pq.ParquetFile(self._folder / part.path) as file:
                for batch in file.iter_batches(50_000, columns=["seq", column]):
                    yield from zip(*(held.to_pylist() for held in batch.columns), strict=True)
        except (OSError, pa.ArrowException):
            return
