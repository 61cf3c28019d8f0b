"""Digests of tables in memory: equal content gives an equal digest, however it is cut into chunks."""

from __future__ import annotations

import hashlib
from typing import Any

import pyarrow as pa

MAX_BYTES = 2**30


class _Hashing:
    """A file that only hashes what is written to it."""

    closed = False

    def __init__(self) -> None:
        self.sha256 = hashlib.sha256()

    def write(self, block: Any) -> int:
        self.sha256.update(block)
        return len(block)

    def flush(self) -> None: ...

    def close(self) -> None: ...


def digest_of(table: pa.Table) -> str | None:
    """Return `sha256:<hex>` over the table as one batch of an Arrow IPC stream, metadata left out; None above 1 GiB."""
    if table.nbytes > MAX_BYTES:
        return None
    plain = pa.schema([pa.field(one.name, one.type, one.nullable) for one in table.schema])
    whole = table.cast(plain) if table.schema.metadata or any(one.metadata for one in table.schema) else table
    sink = _Hashing()
    with pa.ipc.new_stream(pa.PythonFile(sink, mode="w"), plain) as writer:
        writer.write_table(whole.combine_chunks())
    return f"sha256:{sink.sha256.hexdigest()}"
