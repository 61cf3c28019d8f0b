"""Record batches of a body that is an Arrow IPC stream or a Parquet file, within limits on what they unpack to."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from handrail.entrypoints.http.bodies import too_large
from handrail.entrypoints.http.feedback_bodies import SMALLER
from handrail.entrypoints.http.feedback_columns import COLUMNS, Sort, check_names
from handrail.entrypoints.http.problems import Rejection
from handrail.entrypoints.http.table_sizes import Unreadable, arrow_size, parquet_size
from handrail.errors import InvalidInput

END_OF_STREAM = b"\xff\xff\xff\xff\x00\x00\x00\x00"
AT_ONCE = 8_192
"""Rows of a Parquet file that are read at once."""
AGAIN = "Write it again and send it whole; nothing was recorded."


@dataclass(frozen=True, slots=True)
class Limits:
    """How much one body may hold: rows, and bytes once everything in it is unpacked."""

    rows: int
    size: int

    def check_size(self, size: int) -> None:
        """Refuse a table that would become too large.

        Raises:
            Rejection: it would.
        """
        if size > self.size:
            raise too_large(self.size, f"It unpacks to {size:,}. {SMALLER}")


def arrow_batches(body: bytes, what: str, limits: Limits) -> Iterator[Any]:
    """Yield the record batches of an Arrow IPC stream whose columns are those of `what`.

    Raises:
        InvalidInput: it is not one, is cut off, or has other columns.
        Rejection: it is beyond the limits.
    """
    import pyarrow as pa

    if not body.endswith(END_OF_STREAM):
        raise InvalidInput("body", "the Arrow stream does not end: it is cut off, or its writer was not closed", AGAIN)
    try:
        limits.check_size(arrow_size(body))
        with pa.ipc.open_stream(pa.BufferReader(body)) as stream:
            check_names(stream.schema.names, what)
            yield from _within(_each(stream), limits.rows)
    except (pa.ArrowException, OSError, Unreadable) as err:
        raise InvalidInput("body", f"it is not an Arrow IPC stream: {_said(err)}", AGAIN) from err


def parquet_batches(body: bytes, what: str, limits: Limits) -> Iterator[Any]:
    """Yield record batches of a Parquet file whose columns are those of `what`.

    Raises:
        InvalidInput: it is not one, is damaged, or has other columns.
        Rejection: it is beyond the limits.
    """
    import pyarrow as pa
    from pyarrow import parquet

    try:
        described = parquet.read_metadata(pa.BufferReader(body))
        names = described.schema.to_arrow_schema().names
        check_names(names, what)
        if described.num_rows > limits.rows:
            raise too_many_rows(limits.rows)
        limits.check_size(parquet_size(body, described))
        # Texts stay in their dictionary: one long text that a million rows mean is read once.
        texts = [column.name for column in COLUMNS[what] if column.sort is Sort.TEXT and column.name in names]
        with parquet.ParquetFile(pa.BufferReader(body), metadata=described, read_dictionary=texts) as file:
            yield from _within(file.iter_batches(AT_ONCE), limits.rows)
    except (pa.ArrowException, OSError, Unreadable) as err:
        raise InvalidInput("body", f"it is not a Parquet file: {_said(err)}", AGAIN) from err


def too_many_rows(most: int) -> Rejection:
    """Return the answer to a body with more than `most` rows."""
    return Rejection(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"The body has more than {most:,} rows. {SMALLER}")


def _each(stream: Any) -> Iterator[Any]:
    for batch in stream:
        batch.validate(full=True)
        yield batch


def _within(batches: Iterator[Any], most_rows: int) -> Iterator[Any]:
    rows = 0
    for batch in batches:
        rows += batch.num_rows
        if rows > most_rows:
            raise too_many_rows(most_rows)
        yield batch


def _said(err: Exception) -> str:
    return str(err).partition("\n")[0][:150].rstrip(".") or type(err).__name__
