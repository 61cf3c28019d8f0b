"""What the footers of parquet files say: how many rows, and the type of each column."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow.fs import FileSystem

from handrail.entrypoints.feast.data_files import DataFile
from handrail.errors import InvalidInput

_AT_ONCE = 16


@dataclass(frozen=True, slots=True)
class Footer:
    """A file with the types of its columns, as Arrow names them.

    Attributes:
        names: what the file calls a column that has another name in `types`.
    """

    file: DataFile
    rows: int
    types: Mapping[str, pa.DataType]
    names: Mapping[str, str] = field(default_factory=dict)


def read_footers(filesystem: FileSystem, files: Sequence[DataFile], what: str) -> list[Footer]:
    """Read the footer of each file.

    Raises:
        InvalidInput: one is no parquet file, or cannot be read.
    """

    def read(file: DataFile) -> Footer:
        try:
            metadata = pq.read_metadata(file.path, filesystem=filesystem)
            schema = metadata.schema.to_arrow_schema()
        except (OSError, pa.ArrowException) as err:
            raise InvalidInput(
                what,
                f"its file {file.path} cannot be read as parquet ({str(err).splitlines()[0].rstrip('.')})",
                "Move it elsewhere if it holds no rows, else write it again.",
            ) from err
        types = dict(zip(schema.names, schema.types, strict=True))
        return Footer(file, metadata.num_rows, types | _int96(metadata.schema, types))

    if len(files) == 1:
        return [read(files[0])]
    with ThreadPoolExecutor(_AT_ONCE) as threads:
        return list(threads.map(read, files))


def _int96(schema: pq.ParquetSchema, types: Mapping[str, pa.DataType]) -> dict[str, pa.DataType]:
    """Return the times of 96 bits, as microseconds like Spark: nanoseconds would wrap around in the year 2262."""
    if pa.timestamp("ns") not in types.values():
        return {}
    columns = [schema.column(i) for i in range(len(schema))]
    return {column.path: pa.timestamp("us") for column in columns if column.physical_type == "INT96"}
