"""The Feast objects: entities, what is known of each from its history, what a request says, and the feature services.

They follow from config/use_case.yaml and sets.yaml. A service is immutable: a change of what a model sees is a new set
with the next number, and models that were trained before keep theirs.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from types import FunctionType
from typing import Any, cast

from feast import Entity, FeatureService, FeatureView, Field, FileSource, OnDemandFeatureView, RequestSource
from feast.types import Float64, String
from feast.value_type import ValueType

from feature_repo.request import ask_items, asked_as, features_of, request_features
from feature_repo.sets import SETS, USE_CASE, history_features

ENTITIES = USE_CASE.entities
DEFAULT_SERVICE = USE_CASE.service_of(USE_CASE.features.default)
REMEMBERED = timedelta(days=28)

VIEWS: Mapping[str, tuple[str, timedelta, Sequence[str]]] = {
    f"{entity}_history": (entity, REMEMBERED, history_features(entity)) for entity in ENTITIES
}
"""Of each view: its entity, its time to live and its features, which are columns of `<features>/<view>.parquet`."""


def build(features_root: str) -> list[Any]:
    """Return every Feast object, reading feature tables from `features_root` (an absolute folder)."""
    entities = {name: Entity(name=name, join_keys=[name], value_type=ValueType.STRING) for name in ENTITIES}
    views = {name: _view(name, entities, Path(features_root)) for name in VIEWS}
    requests = {name: _request(name, of.fields) for name, of in SETS.items() if of.fields}
    services = [
        FeatureService(
            name=name,
            features=[
                *([requests[name]] if name in requests else []),
                *(views[f"{entity}_history"] for entity in of.history),
            ],
        )
        for name, of in SETS.items()
    ]
    return [*entities.values(), *views.values(), *requests.values(), *services]


def request_fields(rows: Sequence[Mapping[str, Any]]) -> dict[str, list[Any]]:
    """Return the fields of request items that any set asks for, as they travel."""
    return ask_items(rows, USE_CASE, sorted({name for of in SETS.values() for name in of.fields}))


def _view(name: str, entities: Mapping[str, Entity], root: Path) -> FeatureView:
    key, time_to_live, features = VIEWS[name]
    return FeatureView(
        name=name,
        entities=[entities[key]],
        ttl=time_to_live,
        schema=[Field(name=key, dtype=String), *(Field(name=feature, dtype=Float64) for feature in features)],
        source=FileSource(name=f"{name}_table", path=str(root / f"{name}.parquet"), timestamp_field="event_timestamp"),
    )


def _request(service: str, names: Sequence[str]) -> OnDemandFeatureView:
    fields = {name: USE_CASE.request[name] for name in names}
    types = {name: String if field.type == "text" else Float64 for name, field in fields.items()}
    return OnDemandFeatureView(
        name=f"{service}_request",
        sources=[
            RequestSource(
                name=f"{service}_fields",
                schema=[Field(name=asked_as(name, field), dtype=types[name]) for name, field in fields.items()],
            )
        ],
        schema=[
            Field(name=made, dtype=types[name]) for name, field in fields.items() for made in features_of(name, field)
        ],
        mode="pandas",
        udf=cast(FunctionType, request_features),
        udf_string=inspect.getsource(request_features),
    )
