"""Feast's data sources and feature views as the tables that the point-in-time join reads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import NoReturn
from urllib.parse import unquote, urlsplit

import pyarrow as pa
from feast.data_format import DeltaFormat, FileFormat, ParquetFormat
from feast.data_source import DataSource
from feast.feature_view import FeatureView
from feast.infra.offline_stores.file_source import FileSource
from feast.types import FeastType
from pyarrow.fs import FileSystem, FileType, LocalFileSystem

from handrail.entrypoints.feast.data_files import WILD, DataFile, TableFolder, list_files
from handrail.entrypoints.feast.offline_store.delta import delta_files
from handrail.entrypoints.feast.offline_store.footers import read_footers
from handrail.entrypoints.feast.offline_store.gcs import GCS, SCHEMES, open_gcs
from handrail.entrypoints.feast.offline_store.source_rows import SourceRows, Wanted, open_rows
from handrail.errors import InvalidInput, Misconfigured
from handrail.point_in_time import FeatureTable

READ = (ParquetFormat, DeltaFormat)
_REMOTE = ("s3", "s3a", "gs", "gcs", "az", "abfs", "abfss", "http", "https", "hf", "hdfs")


def location(path: str, repo_path: Path, what: str) -> str:
    """Return the absolute path or s3:// URL of what Feast knows as `path`; a relative path counts from the repository.

    Raises:
        Misconfigured: it lies in a store that is neither this machine nor S3.
    """
    url = urlsplit(path)
    if url.scheme == "file":
        return unquote(url.path)
    if url.scheme in _REMOTE and url.scheme != "s3":
        problem = f"{path} is at {url.scheme}://, and this offline store takes local paths, s3:// and, to read, gs://"
        raise Misconfigured(what, problem, "Copy it to one.")
    return str(FileSource.get_uri_for_file_path(repo_path=str(repo_path), uri=path))


def open_source(source: DataSource | None, repo_path: Path, wanted: Wanted) -> SourceRows:
    """Open a source (a parquet file, a folder of them, a pattern, a Delta table), reading no row.

    It lies on this machine, in S3, or in Google Cloud Storage, where a Delta table is refused.

    Raises:
        Misconfigured: the source is of a kind that this store does not read.
        InvalidInput: there is no file at its path, or its files do not have the columns.
    """
    file = as_file_source(source, wanted.what, READ)
    where, scheme = file.path, urlsplit(file.path).scheme
    filesystem: FileSystem | None
    if scheme in SCHEMES:
        filesystem, options = open_gcs(wanted.what)
        path, scheme = where.partition("://")[2], GCS
    else:
        where = location(where, repo_path, wanted.what)
        filesystem, path = FileSource.create_filesystem_and_path(
            where, file.s3_endpoint_override or "", file.resolve_credentials()
        )
        options, scheme = (s3_options(file), "s3://") if filesystem is not None else ({}, "")
    files = _files(filesystem or LocalFileSystem(), path, wanted.what)
    if isinstance(files, TableFolder):
        files = _files_of_table(files, path, scheme, options, wanted.what)
    elif isinstance(file.file_format, DeltaFormat):
        raise Misconfigured(wanted.what, f"{where} is not a Delta table", "Correct its path, or its file format.")
    footers = read_footers(filesystem or LocalFileSystem(), files, wanted.what)
    return open_rows(footers, wanted, options, scheme)


def _files(filesystem: FileSystem, path: str, what: str) -> Sequence[DataFile] | TableFolder:
    """Return the files at a path, or the table that they belong to."""
    try:
        listing = list_files(filesystem, path)
        there = WILD.search(path) or filesystem.get_file_info(path).type != FileType.NotFound
    except OSError as err:
        reason = str(err).splitlines()[0].rstrip(".")
        raise InvalidInput(what, f"its source {path} cannot be read ({reason})", "Check the path.") from err
    if listing.table is not None:
        return listing.table
    if not listing.files:
        problem = f"there is no data file in {path}" if there else f"its source {path} does not exist"
        raise InvalidInput(what, problem, "Check the path.")
    return listing.files


def _files_of_table(
    table: TableFolder, path: str, scheme: str, options: Mapping[str, str], what: str
) -> Sequence[DataFile]:
    if table.kind == "Delta" and scheme == GCS:
        problem = f"{table.path} is a Delta table in Google Cloud Storage, where this offline store reads parquet alone"
        raise Misconfigured(what, problem, "Export its rows as parquet files into another folder.")
    if table.kind != "Delta" or table.path != path.rstrip("/") or find_spec("deltalake") is None:
        refuse_table(table, what)
    files = delta_files(table.path, f"{scheme}{table.path}", options, what)
    if not files:
        raise InvalidInput(what, f"the Delta table {table.path} has no rows", "Write its first rows.")
    return files


def refuse_table(table: TableFolder, what: str) -> NoReturn:
    """Refuse files of which a log says whether they count.

    Raises:
        Misconfigured: always.
    """
    remedy = "Export its rows as parquet files into another folder, or use an offline store that reads the table."
    if table.kind == "Delta":
        remedy = (
            f"To read it, install handrail[deltalake] and name {table.path} itself as the path; else export its rows."
        )
    raise Misconfigured(
        what, f"{table.path} is a table of {table.kind}, whose log says which of its files count", remedy
    )


def as_file_source(
    source: DataSource | None, what: str, formats: tuple[type[FileFormat], ...] = (ParquetFormat,)
) -> FileSource:
    """Return the source if it is files of one of the formats, which this store reads or writes.

    Raises:
        Misconfigured: it is anything else.
    """
    if not isinstance(source, FileSource):
        raise Misconfigured(
            what,
            f"its batch source is a {type(source).__name__}, and this offline store reads FileSource",
            "Use the offline store that belongs to that source.",
        )
    if source.file_format is not None and not isinstance(source.file_format, formats):
        raise Misconfigured(
            what,
            f"its format is {type(source.file_format).__name__}, and this offline store takes parquet here",
            "Write it as parquet, or use the duckdb offline store for it.",
        )
    return source


def declared_columns(view: FeatureView) -> dict[str, FeastType]:
    """Return the declared types of a view's features and join keys."""
    return {field.name: field.dtype for field in (*view.features, *view.entity_columns)}


def feature_table(
    view: FeatureView, refs: list[str], repo_path: Path, *, full_names: bool, hide_created_later: bool
) -> tuple[FeatureTable, dict[str, pa.DataType]]:
    """Describe the part of a feature view that the references ask for, and the Arrow types of its columns."""
    what = f"Feature view {view.name!r}"
    source = as_file_source(view.batch_source, what, READ)
    name = str(view.projection.name_to_use())  # type: ignore[no-untyped-call]
    prefix = view.projection.name_alias or view.name
    wanted = [ref.split(":", 1)[1] for ref in refs if ref.startswith(f"{name}:")]
    times = [source.timestamp_field, *([source.created_timestamp_column] if source.created_timestamp_column else [])]
    event_time, *created = [source.field_mapping.get(time, time) for time in times]
    keys = view.projection.join_key_map or {column.name: column.name for column in view.entity_columns}
    needed = [event_time, *created, *keys]
    declared = declared_columns(view)
    columns = {column: declared.get(column) for column in (*needed, *wanted)}
    opened = open_source(source, repo_path, Wanted(what, columns, needed, source.field_mapping))
    table = FeatureTable(
        name=view.name,
        rows=opened.rows,
        event_time=event_time,
        keys=keys,
        columns={feature: f"{prefix}__{feature}" if full_names else feature for feature in wanted},
        created=next(iter(created), None),
        ttl=view.ttl or None,
        hide_created_later=hide_created_later and bool(created),
        verify=opened.verify,
    )
    return table, dict(opened.types)


def s3_options(source: FileSource) -> dict[str, str]:
    """Return credentials and endpoint of an S3 source as Polars takes them; nothing set means what the machine has."""
    options = dict(source.resolve_credentials() or {})
    if endpoint := source.s3_endpoint_override:
        url = endpoint if "://" in endpoint else f"https://{endpoint}"
        options["AWS_ENDPOINT_URL"] = url
        options["AWS_ALLOW_HTTP"] = str(url.startswith("http://")).lower()
    return options
