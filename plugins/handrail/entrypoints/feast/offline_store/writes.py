"""Writing: rows appended to a view's source, and served features appended to a log."""

from __future__ import annotations

import fcntl
import os
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from feast.feature_logging import LoggingConfig
from feast.feature_view import FeatureView
from feast.infra.offline_stores.file_source import FileLoggingDestination, FileSource
from feast.repo_config import RepoConfig
from pyarrow.fs import FileSystem, FileType, LocalFileSystem

from handrail.entrypoints.feast.data_files import list_files
from handrail.entrypoints.feast.offline_store.footers import read_footers
from handrail.entrypoints.feast.offline_store.sources import as_file_source, location, refuse_table
from handrail.errors import InvalidInput, Misconfigured
from handrail.files import replacing


def append_rows(config: RepoConfig, view: FeatureView, table: pa.Table) -> None:
    """Append rows to the view's source: a new file beside the others in a folder, else the file is replaced at once.

    Raises:
        InvalidInput: the rows do not have the source's columns in its order and types, or there is no source.
        Misconfigured: the source is not parquet, or lies in an object store as one file.
    """
    what = f"Feature view {view.name!r}"
    source = as_file_source(view.batch_source, what)
    where = location(source.path, Path(config.repo_path or "."), what)
    try:
        columns = [name for name, _ in source.get_table_column_names_and_types(config)]
    except OSError as err:
        raise InvalidInput(what, f"its source {where} cannot be read", "Write its first file.") from err
    if table.column_names == [source.field_mapping.get(name, name) for name in columns]:
        table = table.rename_columns(columns)  # Feast renames the rows that a user writes, but not those of a push
    if columns != table.column_names:
        raise InvalidInput(
            f"Rows for feature view {view.name!r}",
            f"they have the columns {', '.join(table.column_names)}",
            f"Send exactly {', '.join(columns)}, in this order.",
        )
    filesystem, path = FileSource.create_filesystem_and_path(
        where, source.s3_endpoint_override or "", source.resolve_credentials()
    )
    files = filesystem or LocalFileSystem()
    if files.get_file_info(path).type == FileType.Directory:
        rows = _as_held(table, _held(files, path, what), view.name)
        _write_new(rows, f"{path.rstrip('/')}/{uuid.uuid4().hex}.parquet", filesystem)
        return
    if filesystem is not None:
        raise Misconfigured(
            what,
            f"its source {where} is one file in an object store, where appending could lose rows of another writer",
            "Make the source a folder.",
        )
    with _alone(Path(path).parent):
        there = pq.ParquetFile(path).read()
        rows = _as_held(table, dict(zip(there.schema.names, there.schema.types, strict=True)), view.name)
        _write_new(pa.concat_tables([there, rows], promote_options="permissive"), path, None)


def _held(files: FileSystem, folder: str, what: str) -> dict[str, pa.DataType]:
    """Return the types that the files of a folder have, of each column the first that is not null."""
    listing = list_files(files, folder)
    if listing.table is not None:
        refuse_table(listing.table, what)
    held: dict[str, pa.DataType] = {}
    for footer in read_footers(files, listing.files, what):
        held |= {name: kind for name, kind in footer.types.items() if held.get(name, pa.null()) == pa.null()}
    return held


def _as_held(table: pa.Table, held: Mapping[str, pa.DataType], view: str) -> pa.Table:
    """Return the rows in the types that the source has, a column that would be rounded or cut off in its own."""
    for position, name in enumerate(table.column_names):
        if held.get(name, pa.null()) != pa.null():
            column = _column_as(table.column(name), held[name], view)
            table = table.set_column(position, pa.field(name, column.type), column)
    return table


def _column_as(column: pa.ChunkedArray, held: pa.DataType, view: str) -> pa.ChunkedArray:
    wider = _is_wider(column.type, held)
    try:
        as_held = column.cast(held)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as err:
        if wider:
            return column
        raise InvalidInput(
            f"Rows for feature view {view!r}",
            f"they do not fit the types of its source ({str(err).rstrip('.')})",
            "Convert them.",
        ) from err
    # Arrow rounds a float to a narrower one without a word.
    return column if wider and not as_held.cast(column.type).equals(column) else as_held


def _is_wider(own: pa.DataType, held: pa.DataType) -> bool:
    """Whether files with both types can be read as one: numbers of another width, times of another unit."""
    if pa.types.is_list(own) and pa.types.is_list(held):
        return _is_wider(own.value_type, held.value_type)
    return any(of_kind(own) and of_kind(held) for of_kind in (pa.types.is_integer, pa.types.is_floating, _is_time))


def _is_time(kind: pa.DataType) -> bool:
    return bool(pa.types.is_timestamp(kind))


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Wait until no other thread or process appends in this folder, and keep them out."""
    held = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield
    finally:
        os.close(held)


def append_log(config: RepoConfig, data: pa.Table | Path, logging: LoggingConfig) -> None:
    """Append one file to the log's folder, which is made if missing.

    Raises:
        Misconfigured: the log does not go to files, or is to be partitioned.
    """
    destination = logging.destination
    if not isinstance(destination, FileLoggingDestination):
        raise Misconfigured(
            "Feature log", f"its destination is a {type(destination).__name__}", "Use FileLoggingDestination."
        )
    if destination.partition_by:
        raise Misconfigured(
            "Feature log",
            f"partitions by {', '.join(destination.partition_by)} cannot be read back by Feast",
            "Leave out partition_by.",
        )
    table = pq.read_table(data) if isinstance(data, Path) else data
    where = location(destination.path, Path(config.repo_path or "."), "Feature log")
    filesystem, path = FileSource.create_filesystem_and_path(where, destination.s3_endpoint_override)
    _write_new(table, f"{path.rstrip('/')}/{uuid.uuid4().hex}.parquet", filesystem)


def _write_new(table: pa.Table, path: str, filesystem: pa.fs.FileSystem | None) -> None:
    if filesystem is not None:
        pq.write_table(table, path, filesystem=filesystem)
        return
    target = Path(path)
    with replacing(target) as beside:
        pq.write_table(table, beside)
