"""Feast's data sources and feature views as the tables that the point-in-time join reads."""

from __future__ import annotations

import re
from glob import escape
from pathlib import Path
from urllib.parse import unquote, urlsplit

import polars as pl
from feast.data_format import ParquetFormat
from feast.data_source import DataSource
from feast.feature_view import FeatureView
from feast.infra.offline_stores.file_source import FileSource

from handrail.errors import InvalidInput, Misconfigured
from handrail.point_in_time import FeatureTable

_REMOTE = ("s3", "s3a", "gs", "gcs", "az", "abfs", "abfss", "http", "https", "hf", "hdfs")
_WILD = re.compile(r"[*?\[]")


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


def scan(source: DataSource | None, repo_path: Path, view: str) -> pl.LazyFrame:
    """Open a parquet source (a file, a folder of files or a glob; local or S3) without reading its rows.

    Raises:
        Misconfigured: the source is of a kind that this store does not read.
        InvalidInput: there is nothing at its path.
    """
    file = as_file_source(source, view)
    what = f"Feature view {view!r}"
    where = location(file.path, repo_path, what)
    if where.startswith("s3://"):
        many = not where.endswith(".parquet") or _WILD.search(where) is not None
        options = s3_options(file)
        return pl.scan_parquet(
            _below(where),
            storage_options=options,
            hive_partitioning=many and _partitioned(_WILD.split(where)[0]),
            extra_columns="ignore" if many else "raise",
        )
    path = Path(where)
    if path.is_file():
        return pl.scan_parquet(path, glob=False)
    if path.is_dir() and next(path.rglob("*.parquet"), None) is None:
        raise InvalidInput(what, f"there is no parquet file in {where}", "Check the path.")
    if not path.exists() and not _WILD.search(where):
        raise InvalidInput(what, f"its source {where} does not exist", "Check the path.")
    if path.is_dir():
        pattern, fixed = f"{escape(where.rstrip('/'))}/**/*.parquet", where
    else:
        pattern, fixed = where, _WILD.split(where)[0]
    return pl.scan_parquet(pattern, hive_partitioning=_partitioned(fixed), extra_columns="ignore")


def as_file_source(source: DataSource | None, view: str) -> FileSource:
    """Return the source if it is parquet files, which is what this store reads.

    Raises:
        Misconfigured: it is anything else.
    """
    if not isinstance(source, FileSource):
        raise Misconfigured(
            f"Feature view {view!r}",
            f"its batch source is a {type(source).__name__}, and this offline store reads FileSource",
            "Use the offline store that belongs to that source.",
        )
    if source.file_format is not None and not isinstance(source.file_format, ParquetFormat):
        raise Misconfigured(
            f"Feature view {view!r}",
            f"its format is {type(source.file_format).__name__}, and this offline store reads parquet",
            "Write it as parquet, or use the duckdb offline store for it.",
        )
    return source


def renamed(rows: pl.LazyFrame, source: DataSource) -> pl.LazyFrame:
    """Apply the source's field mapping, as Feast does before anything else looks at its columns."""
    mapping = {old: new for old, new in source.field_mapping.items() if old != new}
    return rows.rename(mapping, strict=False) if mapping else rows


def feature_table(
    view: FeatureView, refs: list[str], repo_path: Path, *, full_names: bool, hide_created_later: bool
) -> FeatureTable:
    """Describe the part of a feature view that the references ask for."""
    source = as_file_source(view.batch_source, view.name)
    name = str(view.projection.name_to_use())  # type: ignore[no-untyped-call]
    prefix = view.projection.name_alias or view.name
    wanted = [ref.split(":", 1)[1] for ref in refs if ref.startswith(f"{name}:")]
    created = source.created_timestamp_column or None
    created = created and source.field_mapping.get(created, created)
    return FeatureTable(
        name=view.name,
        rows=renamed(scan(source, repo_path, view.name), source),
        event_time=source.field_mapping.get(source.timestamp_field, source.timestamp_field),
        keys=view.projection.join_key_map or {column.name: column.name for column in view.entity_columns},
        columns={feature: f"{prefix}__{feature}" if full_names else feature for feature in wanted},
        created=created,
        ttl=view.ttl or None,
        hide_created_later=hide_created_later and created is not None,
    )


def _partitioned(fixed: str) -> bool:
    """Whether folder names such as year=2020 become columns.

    Polars takes them from the whole path: a folder above the source that is named so would overwrite a column.
    """
    return "=" not in fixed


def _below(url: str) -> str:
    return url if url.endswith(".parquet") or _WILD.search(url) else f"{url.rstrip('/')}/**/*.parquet"


def s3_options(source: FileSource) -> dict[str, str]:
    """Return credentials and endpoint of an S3 source as Polars takes them; nothing set means what the machine has."""
    options = dict(source.resolve_credentials() or {})
    if endpoint := source.s3_endpoint_override:
        url = endpoint if "://" in endpoint else f"https://{endpoint}"
        options["AWS_ENDPOINT_URL"] = url
        options["AWS_ALLOW_HTTP"] = str(url.startswith("http://")).lower()
    return options
