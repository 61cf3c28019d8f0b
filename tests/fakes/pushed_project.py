"""A project whose stream of readings feeds a push source of Feast, with what Feast answers."""

from __future__ import annotations

import json
import warnings
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import yaml
from feast import Entity, FeatureStore, FeatureView, Field, FileSource, PushSource
from feast.types import Float64, Int64, String
from feast.value_type import ValueType

from feature_repo.online_place import online_section

COLUMNS = {"sensor": "text", "at": "moment", "x": "number", "n": "whole"}
SOURCE, VIEW, TABLE = "readings_push", "halls", "readings"


@dataclass(frozen=True)
class PushedProject:
    """A project in a folder."""

    folder: Path
    store: FeatureStore

    @property
    def repository(self) -> Path:
        """Where feature_store.yaml is."""
        return self.folder / "feature_repo"

    def online(self, *sensors: str) -> dict[str, tuple[Any, Any]]:
        """Return what Feast answers online for sensors: x and n."""
        answer = self.store.get_online_features(
            [f"{VIEW}:x", f"{VIEW}:n"], [{"sensor": sensor} for sensor in sensors]
        ).to_dict()
        return dict(zip(answer["sensor"], zip(answer["x"], answer["n"], strict=True), strict=True))

    def close(self) -> None:
        """Empty the online store."""
        self.store._get_provider().online_store.teardown(
            self.store.config, self.store.list_feature_views(), self.store.list_entities()
        )


def make_project(
    folder: Path, stream: dict[str, Any] | None = None, redis: str | None = None, whole: Any = Int64
) -> PushedProject:
    """Write the project, and apply its feature repository.

    `redis` is the address of an online store, `whole` the type of the view's field of whole numbers.
    """
    (folder / "config").mkdir()
    (folder / "config" / "handrail.yaml").write_text("repository: halls\nmodel_name: comfort\n")
    table = {"key": ["sensor", "at"], "columns": COLUMNS, "known": "at", "stream": stream or {}}
    sources = {"version": 1, "tables": {TABLE: table}}
    (folder / "config" / "sources.yaml").write_text(yaml.safe_dump(sources, sort_keys=False))
    repository = folder / "feature_repo"
    repository.mkdir()
    config = {
        "project": "halls",
        "provider": "handrail.feast.HandrailProvider",
        "registry": "registry.db",
        "offline_store": {"type": "handrail.feast.HandrailOfflineStore"},
        "online_store": online_section(redis, repository),
        "entity_key_serialization_version": 3,
    }
    (repository / "feature_store.yaml").write_text(json.dumps(config))
    store = FeatureStore(repo_path=str(repository))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        store.apply(objects(folder / "acquired" / TABLE, whole))
    return PushedProject(folder, store)


def objects(folder: Path, whole: Any = Int64, **moments: str) -> list[Any]:
    """Return the entity, and the view over a push source whose rows lie in a folder."""
    sensor = Entity(name="sensor", join_keys=["sensor"], value_type=ValueType.STRING)
    named: dict[str, Any] = dict(moments) or {"timestamp_field": "known_at", "created_timestamp_column": "came_at"}
    source = PushSource(name=SOURCE, batch_source=FileSource(name="readings_table", path=str(folder), **named))
    fields = [Field(name="sensor", dtype=String), Field(name="x", dtype=Float64), Field(name="n", dtype=whole)]
    view = FeatureView(name=VIEW, entities=[sensor], ttl=timedelta(days=3650), schema=fields, source=source)
    return [sensor, view]
