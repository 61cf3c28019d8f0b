"""Feature views over parquet files that tests write, and a registry that knows none of them."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import polars as pl
from feast import Entity, FeatureView, Field, FileSource, RepoConfig
from feast.types import Float64, Int64, String

START = datetime(2020, 1, 1, tzinfo=UTC)
STORE = "handrail.feast.HandrailOfflineStore"
NO_ON_DEMAND_VIEWS = SimpleNamespace(list_on_demand_feature_views=lambda *_, **__: [])


def hour(n):
    """Return the nth hour of the test's world."""
    return START + timedelta(hours=n)


def config(folder, kind=STORE):
    """Return a repository's configuration with that offline store."""
    made = RepoConfig(
        project="made",
        provider="local",
        registry=str(folder / "registry.db"),
        offline_store={"type": kind},
        online_store={"type": "sqlite", "path": str(folder / "online.db")},
        entity_key_serialization_version=3,
    )
    made.repo_path = Path(folder)
    return made


def _field(name, rows):
    return Field(name=name, dtype={pl.String: String, pl.Float64: Float64}.get(rows.schema.get(name), Int64))


def view(folder, name, rows, keys=("k",), features=("v",), ttl=None, created="", **source):
    """Write rows to parquet and return a feature view over them."""
    path = Path(folder) / f"{name}.parquet"
    frame = rows if isinstance(rows, pl.DataFrame) else pl.DataFrame(rows)
    frame.write_parquet(path)
    entities = [Entity(name=key, join_keys=[key], value_type=_field(key, frame).dtype.to_value_type()) for key in keys]
    made = FeatureView(
        name=name,
        entities=entities,
        ttl=ttl or timedelta(0),
        schema=[_field(column, frame) for column in (*keys, *features)],
        source=FileSource(name=name, path=str(path), timestamp_field="t", created_timestamp_column=created, **source),
    )
    made.entity_columns = [_field(key, frame) for key in keys]
    return made
