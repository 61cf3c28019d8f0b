"""Writing: rows appended to a view's source, and served features appended to a log."""

from __future__ import annotations

import fcntl
import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
from feast.feature_logging import LoggingConfig
from feast.feature_view import FeatureView
from feast.infra.offline_stores.file_source import FileLoggingDestination, FileSource
from feast.repo_config import RepoConfig

from handrail.entrypoints.feast.offline_store.sources import as_file_source, location
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
    if Path(path).is_dir() if filesystem is None else not where.endswith(".parquet"):
        held = ds.dataset(path, format="parquet", filesystem=filesystem).schema
        _write_new(_as_held(table, held, view.name), f"{path.rstrip('/')}/{uuid.uuid4().hex}.parquet", filesystem)
        return
    if filesystem is not None:
        raise Misconfigured(
            what,
            f"its source {where} is one file in an object store, where appending could lose rows of another writer",
            "Make the source a folder.",
        )
    with _alone(Path(path).parent):
        there = pq.ParquetFile(path).read()
        _write_new(pa.concat_tables([there, _as_held(table, there.schema, view.name)]), path, None)


def _as_held(table: pa.Table, held: pa.Schema, view: str) -> pa.Table:
    """Return the rows in the types that the source has."""
    try:
        return table.select(held.names).cast(held)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as err:
        raise InvalidInput(
            f"Rows for feature view {view!r}",
            f"they do not fit the types of its source ({str(err).rstrip('.')})",
            "Convert them.",
        ) from err


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
