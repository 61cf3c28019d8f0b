"""The feature store of this project: apply, read as of a moment, write what became known, read online.

Feast is imported inside the functions: loading it costs seconds.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from handrail.errors import Refused, Unavailable
from handrail.settings import Settings

if TYPE_CHECKING:
    import pandas as pd
    from feast import FeatureStore

PROJECT = "handrail"
NOT_IDENTITY = frozenset(
    {"meta", "tags", "description", "owner", "version", "createdTimestamp", "lastUpdatedTimestamp", "body"}
)
"""Parts of a specification that change without changing what is computed; `body` is a pickle, its text stays in."""


def open_feature_store(settings: Settings, features_root: Path | None = None, home: Path | None = None) -> FeatureStore:
    """Open the store with its registry and online database below `home` (settings.home/feast if None).

    Feature tables are read from `features_root` (the project's data/features if None). Nothing is registered yet:
    call `apply` once.
    """
    from feast import FeatureStore, RepoConfig

    place = home or settings.home / "feast"
    place.mkdir(parents=True, exist_ok=True)
    os.environ.setdefault("HANDRAIL_HOME", str(settings.home))
    store = FeatureStore(
        config=RepoConfig(
            project=PROJECT,
            provider="local",
            registry=str(place / "registry.db"),
            offline_store={"type": "duckdb"},
            online_store={"type": "sqlite", "path": str(place / "online.db")},
            entity_key_serialization_version=3,
        )
    )
    store.features_root = str((features_root or settings.project / "data" / "features").resolve())
    return store


def apply(store: FeatureStore) -> None:
    """Register every entity, view and service. Calling it twice changes nothing."""
    from feature_repo.definitions import build

    store.apply(build(store.features_root))


def spec_hash(view: Any) -> str:
    """Return the sha256 of a view's or service's canonical specification: the same on every machine and clone."""
    from google.protobuf.json_format import MessageToDict

    canonical = _canonical(MessageToDict(view.to_proto().spec))
    return hashlib.sha256(json.dumps(canonical, sort_keys=True).encode()).hexdigest()


def service_identity(store: FeatureStore, service: str = "flights_v1") -> dict[str, Any]:
    """Return {"name", "spec_hash", "views": {name: spec hash}} of a registered feature service."""
    found = store.get_feature_service(service)
    views = {}
    for projection in found.feature_view_projections:
        views[projection.name] = spec_hash(_any_view(store, projection.name))
    whole = json.dumps({"service": spec_hash(found), "views": views}, sort_keys=True)
    return {"name": service, "spec_hash": hashlib.sha256(whole.encode()).hexdigest(), "views": views}


def historical(store: FeatureStore, entity_df: pd.DataFrame, service: str = "flights_v1") -> pd.DataFrame:
    """Read the features of `service` as they were known at each row's `event_timestamp`.

    `entity_df` has the entity keys, `event_timestamp` (UTC) and the request fields; every row comes back, in order.

    Raises:
        Unavailable: the offline store is one that loses rows.
        Refused: not every row came back.
    """
    _refuse_losing_store(store)
    asked = entity_df.reset_index(drop=True).assign(entity_row=range(len(entity_df)))
    answer = store.get_historical_features(entity_df=asked, features=store.get_feature_service(service)).to_df()
    answer = answer.sort_values("entity_row", ignore_index=True)
    if answer["entity_row"].tolist() != list(range(len(asked))):
        lost = len(asked) - answer["entity_row"].nunique()
        raise Refused("This training set", (f"{lost} of {len(asked)} rows did not come back once from Feast.",))
    return answer.drop(columns="entity_row")


def _canonical(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {
            key: Path(str(inner)).name if key in ("uri", "path") else _canonical(inner)
            for key, inner in sorted(value.items())
            if key not in NOT_IDENTITY
        }
    if isinstance(value, list):
        return sorted((_canonical(inner) for inner in value), key=lambda inner: json.dumps(inner, sort_keys=True))
    return value


def _any_view(store: FeatureStore, name: str) -> Any:
    from feast.errors import FeatureViewNotFoundException

    try:
        return store.get_feature_view(name)
    except FeatureViewNotFoundException:
        return store.get_on_demand_feature_view(name)


def _refuse_losing_store(store: FeatureStore) -> None:
    kind = store.config.offline_store.type
    if kind in ("dask", "file"):
        raise Unavailable(
            "feature_store.yaml", f"the offline store {kind!r} silently loses rows", "Write `type: duckdb`."
        )
