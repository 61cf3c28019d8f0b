"""A feature repository of drivers, with one of several offline stores."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pandas as pd
from feast import Entity, FeatureStore, FeatureView, Field, FileSource, RepoConfig
from feast.value_type import ValueType

STORES = {"handrail": "handrail.feast.HandrailOfflineStore", "duckdb": "duckdb", "dask": "dask"}
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
DRIVER = Entity(name="driver", join_keys=["driver_id"], value_type=ValueType.INT64)


def ago(hours):
    return NOW - timedelta(hours=hours)


@dataclass(frozen=True)
class World:
    """A feature repository in a folder, with one offline store."""

    folder: Path
    store: FeatureStore

    def source(self, name, frame, **options):
        path = self.folder / f"{name}.parquet"
        frame.to_parquet(path, index=False, coerce_timestamps="us", allow_truncated_timestamps=True)
        return FileSource(name=name, path=str(path), **{"timestamp_field": "at", **options})

    def view(self, name, frame, fields, *, entities=(DRIVER,), ttl=timedelta(days=5), **options):
        """Apply a view over the rows of a frame."""
        view = FeatureView(
            name=name,
            entities=list(entities),
            ttl=ttl,
            schema=[Field(name=field, dtype=dtype) for field, dtype in fields.items()],
            source=self.source(name, frame, **options),
        )
        self.store.apply([*entities, view])
        return view

    def history(self, asked, *features, **options):
        return self.store.get_historical_features(asked.copy(), list(features), **options)


def make_world(folder, kind):
    config = RepoConfig(
        project="shop",
        provider="local",
        registry=str(folder / "registry.db"),
        repo_path=str(folder),
        offline_store={"type": STORES[kind]},
        online_store={"type": "sqlite", "path": str(folder / "online.db")},
        entity_key_serialization_version=3,
    )
    return World(folder, FeatureStore(config=config))


def asked(*rows, **columns):
    """Return an entity frame of rows of driver and time."""
    times = pd.to_datetime([at for _, at in rows], utc=True)
    return pd.DataFrame({"driver_id": [driver for driver, _ in rows], "event_timestamp": times, **columns})


def by_row(frame, *columns):
    """Return the columns row by row, in the order of driver and time; dask does not keep the order."""
    ordered = frame.sort_values(["driver_id", "event_timestamp"])
    return [
        tuple(None if _is_null(value) else value for value in row)
        for row in ordered[list(columns)].itertuples(index=False)
    ]


def _is_null(value):
    return value is None or (pd.api.types.is_scalar(value) and pd.isna(value))


def rows(**values):
    """Return source rows of the drivers 1 and 3, four and two hours ago."""
    return pd.DataFrame({"driver_id": [1, 3], "at": [ago(4), ago(2)], **values})
