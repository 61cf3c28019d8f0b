"""Writing: rows appended to a view's source, and served features appended to a log."""

from __future__ import annotations

import os
import uuid
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from feast.feature_logging import LoggingConfig
from feast.feature_view import FeatureView
from feast.infra.offline_stores.file_source import FileLoggingDestination, FileSource
from feast.infra.offline_stores.offline_utils import get_pyarrow_schema_from_batch_source
from feast.repo_config import RepoConfig

from handrail.entrypoints.feast_offline_store.sources import as_file_source, location
from handrail.errors import InvalidInput, Misconfigured


def append_rows(config: RepoConfig, view: FeatureView, table: pa.Table) -> None:
    """Append rows to the view's source: a new file beside the others in a folder, else the file is replaced at once.

    Raises:
        InvalidInput: the rows do not have the source's columns in its order.
        Misconfigured: the source is no parquet, or lies in an object store as one file.
    """
    source = as_file_source(view.batch_source, view.name)
    _, columns = get_pyarrow_schema_from_batch_source(config, source)
    if columns != table.column_names:
        raise InvalidInput(
            f"Rows for feature view {view.name!r}",
            f"they have the columns {', '.join(table.column_names)}",
            f"Send exactly {', '.join(columns)}, in this order.",
        )
    where = location(source, Path(config.repo_path or "."))
    filesystem, path = FileSource.create_filesystem_and_path(where, source.s3_endpoint_override or "")
    if not where.endswith(".parquet"):
        _write_new(table, f"{path.rstrip('/')}/{uuid.uuid4().hex}.parquet", filesystem)
        return
    if filesystem is not None:
        raise Misconfigured(
            f"Feature view {view.name!r}",
            f"its source {where} is one file in an object store, where appending could lose rows of another writer",
            "Make the source a folder.",
        )
    held = pq.read_table(path)
    _write_new(pa.concat_tables([held, table.select(held.column_names).cast(held.schema)]), path, None)


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
    where = FileSource.get_uri_for_file_path(repo_path=config.repo_path, uri=destination.path)
    filesystem, path = FileSource.create_filesystem_and_path(str(where), destination.s3_endpoint_override)
    _write_new(table, f"{path.rstrip('/')}/{uuid.uuid4().hex}.parquet", filesystem)


def _write_new(table: pa.Table, path: str, filesystem: pa.fs.FileSystem | None) -> None:
    if filesystem is not None:
        pq.write_table(table, path, filesystem=filesystem)
        return
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    beside = target.with_name(f".{target.name}.{os.getpid()}.next")
    try:
        pq.write_table(table, beside)
        beside.replace(target)
    finally:
        beside.unlink(missing_ok=True)
