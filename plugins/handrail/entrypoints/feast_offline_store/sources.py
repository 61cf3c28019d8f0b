"""Feast's data sources and feature views as the tables that the point-in-time join reads."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import polars as pl
from feast.data_format import ParquetFormat
from feast.data_source import DataSource
from feast.feature_view import FeatureView
from feast.infra.offline_stores.file_source import FileSource

from handrail.errors import InvalidInput, Misconfigured
from handrail.point_in_time import FeatureTable


def location(source: FileSource, repo_path: Path) -> str:
    """Return the source's absolute path or URL; a relative path counts from the feature repository."""
    if urlsplit(source.path).scheme in ("s3", "gs", "gcs", "az", "abfs", "http", "https", "hf"):
        return str(source.path)
    return str(FileSource.get_uri_for_file_path(repo_path=str(repo_path), uri=source.path)).removeprefix("file://")


def scan(source: DataSource | None, repo_path: Path, view: str) -> pl.LazyFrame:
    """Open a parquet source (a file, a folder of files or a glob; local or S3) without reading its rows.

    Raises:
        Misconfigured: the source is of a kind that this store does not read.
        InvalidInput: there is nothing at its path.
    """
    file = as_file_source(source, view)
    where = location(file, repo_path)
    if where.startswith("s3://"):
        return pl.scan_parquet(_below(where), storage_options=_s3_options(file))
    path = Path(where)
    if path.is_dir():
        parts = sorted(path.rglob("*.parquet"))
        if not parts:
            raise InvalidInput(f"Feature view {view!r}", f"there is no parquet file in {where}", "Check the path.")
        return pl.scan_parquet(parts, hive_partitioning=True)
    if not path.exists() and "*" not in where:
        raise InvalidInput(f"Feature view {view!r}", f"its source {where} does not exist", "Check the path.")
    return pl.scan_parquet(where)


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
    source = view.batch_source
    assert source is not None  # noqa: S101 - `scan` has refused it
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


def _below(url: str) -> str:
    return url if url.endswith(".parquet") or "*" in url else f"{url.rstrip('/')}/**/*.parquet"


def _s3_options(source: FileSource) -> dict[str, Any]:
    options = dict(source.resolve_credentials() or {})
    if source.s3_endpoint_override:
        options["AWS_ENDPOINT_URL"] = source.s3_endpoint_override
        options["AWS_ALLOW_HTTP"] = str(source.s3_endpoint_override.startswith("http://")).lower()
    return options
