"""Writes the labels of a snapshot as Parquet."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from handrail.feedback.domain.kinds import Kind
from handrail.feedback.domain.snapshots import LabelTable
from handrail.feedback.ports import LabelWriter
from handrail.files import replacing
from handrail.tools import require


class PyarrowLabels(LabelWriter):
    """Writes labels as Parquet.

    Columns: the kind's subject column (string), its label column (int8 if every allowed value is a small whole
    number, else float64), score (float64), made_at (us, UTC), prediction_id (string), revision (int32, null where
    silence was the answer).
    """

    def write(self, table: LabelTable, path: Path) -> None:
        """Write the table in one step. Equal tables give equal bytes under the same version of pyarrow.

        Raises:
            MissingTool: pyarrow is not installed.
            Unavailable: the file cannot be written.
        """
        require("pyarrow", "parquet")
        import pyarrow as pa
        import pyarrow.parquet as pq

        with replacing(path, remedy="Free the disk or correct the path.") as beside:
            pq.write_table(_arrow(pa, table), beside, compression="zstd")


def _arrow(pa: Any, table: LabelTable) -> Any:
    kind = table.snapshot.kind
    schema = pa.schema(
        [
            (kind.subject_column, pa.string()),
            (kind.label_column, pa.int8() if _is_small(kind) else pa.float64()),
            ("score", pa.float64()),
            ("made_at", pa.timestamp("us", tz="UTC")),
            ("prediction_id", pa.string()),
            ("revision", pa.int32()),
        ],
        metadata={"handrail.snapshot": table.snapshot.digest},
    )
    columns = list(zip(*table.rows, strict=True)) or [()] * len(schema)
    if _is_small(kind):
        columns[1] = tuple(map(int, columns[1]))
    arrays = [pa.array(column, type=field.type) for column, field in zip(columns, schema, strict=True)]
    return pa.Table.from_arrays(arrays, schema=schema)


def _is_small(kind: Kind) -> bool:
    absent = () if kind.absence_means is None else (kind.absence_means,)
    return bool(kind.values) and all(value == int(value) and -128 <= value <= 127 for value in (*kind.values, *absent))
