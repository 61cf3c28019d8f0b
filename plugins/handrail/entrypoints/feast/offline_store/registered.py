"""What registered feature views declare about a source, for reads in which Feast names the source alone."""

from __future__ import annotations

from collections.abc import Iterable

from feast import FeatureStore, FeatureView
from feast.data_source import DataSource
from feast.repo_config import RepoConfig
from feast.types import FeastType

from handrail.entrypoints.feast.offline_store.sources import declared_columns


def declared_of(config: RepoConfig, source: DataSource, columns: Iterable[str]) -> dict[str, FeastType | None]:
    """Return the type that the views over a source declare for each of its columns, by the name in the source.

    None for what none of them declares, or two of them differently.
    """
    registry = FeatureStore(repo_path=str(config.repo_path or "."), config=config).registry
    found: dict[str, list[FeastType]] = {column: [] for column in columns}
    for view in registry.list_all_feature_views(config.project):
        if not isinstance(view, FeatureView) or view.batch_source != source:
            continue
        declared = declared_columns(view)
        for column, types in found.items():
            name = source.field_mapping.get(column, column)
            if name in declared and declared[name] not in types:
                types.append(declared[name])
    return {column: types[0] if len(types) == 1 else None for column, types in found.items()}
