"""The files of a Delta table that count at its newest version."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from urllib.parse import unquote

import pyarrow as pa

from handrail.entrypoints.feast.data_files import DataFile
from handrail.errors import InvalidInput, Misconfigured

_HARMLESS = frozenset({"timestampNtz", "v2Checkpoint", "vacuumProtocolCheck"})
"""Features of the format that do not change which rows a file holds, or under which names."""


def delta_files(path: str, place: str, options: Mapping[str, str], what: str) -> list[DataFile]:
    """Return the files of a table, with its partitions.

    Args:
        path: the folder as the listed files have it.
        place: the same as `deltalake` takes it, with a scheme if it is in an object store.
        options: credentials of the object store.
        what: how errors call the source.

    Raises:
        InvalidInput: the log cannot be read.
        Misconfigured: the table uses a feature of the format that this store does not read.
    """
    from deltalake import DeltaTable
    from deltalake.exceptions import DeltaError

    try:
        table = DeltaTable(place, storage_options=dict(options) or None)
        actions = pa.table(table.get_add_actions(flatten=True)).to_pylist()
    except (DeltaError, OSError) as err:
        raise InvalidInput(
            what,
            f"the log of the Delta table {place} cannot be read ({str(err).splitlines()[0].rstrip('.')})",
            "Repair it.",
        ) from err
    features = set(table.protocol().reader_features or ()) - _HARMLESS
    if table.metadata().configuration.get("delta.columnMapping.mode", "none") != "none":
        features.add("columnMapping")
    if features:
        raise Misconfigured(
            what,
            f"the Delta table {place} uses {', '.join(sorted(features))}, which this store does not read",
            "Export its rows as parquet files, or rewrite the table without.",
        )
    return sorted((_file(path, action) for action in actions), key=lambda file: file.path)


def _file(table: str, action: Mapping[str, object]) -> DataFile:
    partitions = {name: value for name, value in action.items() if name.startswith("partition.")}
    return DataFile(
        f"{table}/{unquote(str(action['path']))}",
        {name.removeprefix("partition."): _text(value) for name, value in partitions.items()},
    )


def _text(value: object) -> str | None:
    """Return a partition's value as a folder name has it."""
    if value is None or isinstance(value, str):
        return value
    return value.isoformat() if isinstance(value, date) else str(value)
