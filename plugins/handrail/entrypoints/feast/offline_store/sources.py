"""Feast's data sources and feature views as the tables that the point-in-time join reads."""

from __future__ import annotations

from pathlib import Path
from typing import NoReturn
from urllib.parse import unquote, urlsplit

import pyarrow as pa
from feast.data_format import ParquetFormat
from feast.data_source import DataSource
from feast.feature_view import FeatureView
from feast.infra.offline_stores.file_source import FileSource
from feast.types import FeastType
from pyarrow.fs import FileType, LocalFileSystem

from handrail.entrypoints.feast.data_files import WILD, TableFolder, list_files
from handrail.entrypoints.feast.offline_store.footers import read_footers
from handrail.entrypoints.feast.offline_store.source_rows import SourceRows, Wanted, open_rows
from handrail.errors import InvalidInput, Misconfigured
from handrail.point_in_time import FeatureTable

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
        raise Misconfigured(
            what, f"{path} is at {url.scheme}://, and this offline store reads local paths and s3://", "Copy it to one."
        )
    return str(FileSource.get_uri_for_file_path(repo_path=str(repo_path), uri=path))


def open_source(source: DataSource | None, repo_path: Path, wanted: Wanted) -> SourceRows:
    """Open a parquet source (a file, a folder of files or a pattern; local or S3) without reading its rows.

    Raises:
        Misconfigured: the source is of a kind that this store does not read.
        InvalidInput: there is no file at its path, or its files do not have the columns.
    """
    file = as_file_source(source, wanted.what)
    where = location(file.path, repo_path, wanted.what)
    filesystem, path = FileSource.create_filesystem_and_path(
        where, file.s3_endpoint_override or "", file.resolve_credentials()
    )
    remote = filesystem is not None
    filesystem = filesystem or LocalFileSystem()
    try:
        listing = list_files(filesystem, path)
    except OSError as err:
        raise InvalidInput(
            wanted.what,
            f"its source {where} cannot be read ({_first_line(err)})",
            "Check its path and who may read it.",
        ) from err
    if listing.table is not None:
        refuse_table(listing.table, wanted.what)
    if not listing.files:
        there = WILD.search(path) or filesystem.get_file_info(path).type != FileType.NotFound
        problem = f"there is no data file in {where}" if there else f"its source {where} does not exist"
        raise InvalidInput(wanted.what, problem, "Check the path.")
    footers = read_footers(filesystem, listing.files, wanted.what)
    return open_rows(footers, wanted, s3_options(file) if remote else {}, "s3://" if remote else "")


def refuse_table(table: TableFolder, what: str) -> NoReturn:
    """Refuse files of which a log says whether they count.

    Raises:
        Misconfigured: always.
    """
    raise Misconfigured(
        what,
        f"{table.path} is a table of {table.kind}, whose log says which files count, and this store does not read it",
        "Export its rows as parquet files into another folder, or use an offline store that reads the table.",
    )


def _first_line(err: OSError) -> str:
    return str(err).splitlines()[0].rstrip(".")


def as_file_source(source: DataSource | None, what: str) -> FileSource:
    """Return the source if it is parquet files, which is what this store reads.

    Raises:
        Misconfigured: it is anything else.
    """
    if not isinstance(source, FileSource):
        raise Misconfigured(
            what,
            f"its batch source is a {type(source).__name__}, and this offline store reads FileSource",
            "Use the offline store that belongs to that source.",
        )
    if source.file_format is not None and not isinstance(source.file_format, ParquetFormat):
        raise Misconfigured(
            what,
            f"its format is {type(source.file_format).__name__}, and this offline store reads parquet",
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
    source = as_file_source(view.batch_source, what)
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
