"""The offline store class that Feast loads by its dotted path, and its settings."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

import pandas as pd
import pyarrow as pa
from feast.data_source import DataSource
from feast.feature_logging import LoggingConfig, LoggingSource
from feast.feature_view import FeatureView
from feast.infra.offline_stores.duckdb import DuckDBOfflineStore, DuckDBOfflineStoreConfig
from feast.infra.offline_stores.offline_store import RetrievalJob, RetrievalMetadata
from feast.infra.registry.base_registry import BaseRegistry
from feast.on_demand_feature_view import OnDemandFeatureView
from feast.repo_config import RepoConfig
from feast.utils import compute_non_entity_date_range

from handrail.entrypoints.feast.offline_store import entities as rows_of
from handrail.entrypoints.feast.offline_store.entities import EntityRows
from handrail.entrypoints.feast.offline_store.job import HandrailRetrievalJob, JoinedRows
from handrail.entrypoints.feast.offline_store.pulls import Asked, pulled
from handrail.entrypoints.feast.offline_store.sources import feature_table
from handrail.entrypoints.feast.offline_store.writes import append_log, append_rows
from handrail.errors import InvalidInput
from handrail.point_in_time import FeatureTable, Join


class HandrailOfflineStoreConfig(DuckDBOfflineStoreConfig):
    """The `offline_store` section of feature_store.yaml; it adds no settings."""

    type: Literal["handrail.feast.HandrailOfflineStore"] = "handrail.feast.HandrailOfflineStore"


class HandrailOfflineStore(DuckDBOfflineStore):
    """Parquet files, joined point in time by a sorted ASOF join: every entity row comes back, in its order.

    Feast's own monitoring of data sources is inherited from its DuckDB store.
    """

    supports_filter_by_created_timestamp = True

    @staticmethod
    def get_historical_features(  # noqa: PLR0913 - Feast's signature
        config: RepoConfig,
        feature_views: list[FeatureView],
        feature_refs: list[str],
        entity_df: pd.DataFrame | str | None,
        registry: BaseRegistry,
        project: str,
        full_feature_names: bool = False,
        filter_by_created_timestamp: bool = False,
        **kwargs: Any,
    ) -> RetrievalJob:
        """Plan a retrieval; schemas are compared now, rows are read when the job runs.

        Raises:
            InvalidInput: a column is missing or has the wrong type; the sentence names view and column.
        """
        repo_path = Path(config.repo_path or ".")
        described = [
            feature_table(
                view,
                feature_refs,
                repo_path,
                full_names=full_feature_names,
                hide_created_later=filter_by_created_timestamp,
            )
            for view in feature_views
        ]
        tables = [table for table, _ in described]
        entities = _entity_rows(entity_df, feature_views, tables, kwargs)
        keys = {column for table in tables for column in table.keys.values()} & set(entities.schema.names)
        known = entities.schema.empty_table().select([*sorted(keys - {entities.event_time}), entities.event_time])
        join = Join(rows_of.as_polars(known).schema, entities.event_time, tables)
        join.check()
        _refuse_double_names(entities, tables)
        types = {name: own[column] for table, own in described for column, name in table.columns.items()}
        rows = JoinedRows(entities, join, types)
        bounds = entities.bounds()
        return HandrailRetrievalJob(
            rows,
            rows.schema,
            repo_path,
            full_feature_names,
            OnDemandFeatureView.get_requested_odfvs(feature_refs, project, registry),
            RetrievalMetadata(feature_refs, [n for n in entities.schema.names if n != entities.event_time], *bounds),
        )

    @staticmethod
    def pull_latest_from_table_or_query(  # noqa: PLR0913 - Feast's signature
        config: RepoConfig,
        data_source: DataSource,
        join_key_columns: list[str],
        feature_name_columns: list[str],
        timestamp_field: str,
        created_timestamp_column: str | None,
        start_date: datetime,
        end_date: datetime,
    ) -> RetrievalJob:
        """Plan to read the newest row of each key between the two times, both inclusive."""
        times = [timestamp_field, *([created_timestamp_column] if created_timestamp_column else [])]
        asked = Asked(join_key_columns, feature_name_columns, times, (start_date, end_date))
        return pulled(config, data_source, asked, newest=True)

    @staticmethod
    def pull_all_from_table_or_query(  # noqa: PLR0913 - Feast's signature
        config: RepoConfig,
        data_source: DataSource,
        join_key_columns: list[str],
        feature_name_columns: list[str],
        timestamp_field: str,
        created_timestamp_column: str | None = None,
        start_date: datetime | None = None,
        end_date: datetime | None = None,
    ) -> RetrievalJob:
        """Plan to read all rows between the two times, both inclusive; None leaves a side open."""
        times = [timestamp_field, *([created_timestamp_column] if created_timestamp_column else [])]
        asked = Asked(join_key_columns, feature_name_columns, times, (start_date, end_date))
        return pulled(config, data_source, asked, newest=False)

    @staticmethod
    def offline_write_batch(
        config: RepoConfig,
        feature_view: FeatureView,
        table: pa.Table,
        progress: Callable[[int], Any] | None,
    ) -> None:
        """Append rows to the view's source; they are all there afterwards or none is."""
        append_rows(config, feature_view, table)
        if progress:
            progress(table.num_rows)

    @staticmethod
    def write_logged_features(
        config: RepoConfig,
        data: pa.Table | Path,
        source: LoggingSource,  # noqa: ARG004 - Feast's signature
        logging_config: LoggingConfig,
        registry: BaseRegistry,  # noqa: ARG004 - Feast's signature
    ) -> None:
        """Append served features to the log's folder as one more file."""
        append_log(config, data, logging_config)


def _entity_rows(
    asked: pd.DataFrame | str | None, views: list[FeatureView], tables: list[FeatureTable], times: dict[str, Any]
) -> EntityRows:
    if isinstance(asked, pd.DataFrame):
        return rows_of.from_pandas(asked)
    if isinstance(asked, str):
        return rows_of.from_query(asked)
    if asked is not None:
        raise InvalidInput(
            "entity_df",
            f"it is a {type(asked).__module__.split('.')[0]} {type(asked).__name__}",
            "Give a pandas frame, an SQL query, or None and two dates.",
        )
    return rows_of.from_range(
        tables, *compute_non_entity_date_range(views, times.get("start_date"), times.get("end_date"))
    )


def _refuse_double_names(entities: EntityRows, tables: list[FeatureTable]) -> None:
    for table in tables:
        if twice := set(table.columns.values()) & set(entities.schema.names):
            raise InvalidInput(
                f"{table.name}:{min(twice)}", "the entity frame has a column of that name", "Ask for full names."
            )
