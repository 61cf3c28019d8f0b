"""The Feast objects: entities, one view a feature table, the on-demand schedule view and the feature services.

A service is immutable: a change of what a model sees, or of the code that computes it, makes a new service with the
next number. flights_v2 has the values of flights_v1, computed over lists where v1 made a frame of each request; models
that were trained with v1 keep it.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from types import FunctionType
from typing import Any, cast

from feast import Entity, FeatureService, FeatureView, Field, FileSource, OnDemandFeatureView, RequestSource
from feast.types import Float64, Int64, String
from feast.value_type import ValueType

from feature_repo.schedule import SCHEDULE_FEATURES, request_fields, schedule_columns, schedule_features

__all__ = ["DEFAULT_SERVICE", "ENTITIES", "VIEWS", "build", "request_fields"]

ENTITIES = ("origin", "carrier", "dest", "tailnum")
DEFAULT_SERVICE = "flights_v2"
SCHEDULE_SERVICE = "flights_schedule_v2"

WEATHER = ("temp", "dewp", "humid", "wind_dir", "wind_speed", "precip", "pressure", "visib")
ORIGIN_DELAYS = tuple(f"origin_dep_delay_{span}" for span in ("1h", "3h", "24h"))
ORIGIN_SHARES = tuple(f"origin_late_share_{span}" for span in ("1h", "3h", "24h"))
ORIGIN_NOW = ("origin_overdue_share_24h", "origin_waiting", "origin_waiting_share")
CARRIER = tuple(f"carrier_{what}_{span}" for span in ("3h", "24h", "168h") for what in ("arr_delay", "late_share"))
CARRIER_NOW = ("carrier_waiting", "carrier_waiting_share")
DESTINATION = tuple(f"dest_{what}_{span}" for span in ("1d", "7d") for what in ("arr_delay", "late_share"))

VIEWS: Mapping[str, tuple[str, timedelta, Sequence[str]]] = {
    "weather": ("origin", timedelta(hours=3), (*WEATHER, "wind_gust")),
    "origin_ops": ("origin", timedelta(hours=6), (*ORIGIN_DELAYS, *ORIGIN_SHARES, *ORIGIN_NOW)),
    "carrier_ops": ("carrier", timedelta(hours=6), (*CARRIER, *CARRIER_NOW)),
    "dest_ops": ("dest", timedelta(days=3), (*DESTINATION, "dest_arr_delay_28d", "dest_late_share_28d")),
    "tail_last": ("tailnum", timedelta(days=7), ("tail_arr_delay", "tail_air_time", "tail_dest")),
    "plane": ("tailnum", timedelta(days=400), ("built_year", "engines", "seats", "manufacturer", "plane_type")),
}
"""Of each view: its entity, its time to live and its features, which are columns of `<features>/<view>.parquet`."""

EXPECTED = frozenset({"weather", "origin_ops", "carrier_ops"})
"""Views with a fresh row of each key at all times: an answer without one says that it was made with less."""

TEXTS = frozenset({"tail_dest", "manufacturer", "plane_type"})

SELECTED: Mapping[str, Sequence[str]] = {
    "weather": WEATHER,
    "origin_ops": (*ORIGIN_DELAYS, *ORIGIN_NOW),
    "carrier_ops": (*CARRIER, *CARRIER_NOW),
    "dest_ops": DESTINATION,
    "tail_last": ("tail_arr_delay", "tail_air_time"),
    "plane": ("built_year", "seats"),
}
"""What flights_v1 and flights_v2 take from each view: what the validation month gained nothing from stays out."""


def build(features_root: str) -> list[Any]:
    """Return every Feast object, reading feature tables from `features_root` (an absolute folder)."""
    entities = {name: Entity(name=name, join_keys=[name], value_type=ValueType.STRING) for name in ENTITIES}
    views = {name: _view(name, entities, Path(features_root)) for name in VIEWS}
    request = RequestSource(
        name="ticket",
        schema=[
            Field(name="sched_dep_s", dtype=Int64),
            Field(name="sched_arr_s", dtype=Int64),
            Field(name="distance", dtype=Float64),
        ],
    )
    framed = _on_demand("schedule", request, "pandas", schedule_features)
    schedule = _on_demand("schedule_v2", request, "python", schedule_columns)
    selected = [views[name][list(of)] for name, of in SELECTED.items()]
    services = [
        FeatureService(name=DEFAULT_SERVICE, features=[schedule, *selected]),
        FeatureService(name=SCHEDULE_SERVICE, features=[schedule]),
        FeatureService(name="flights_v1", features=[framed, *selected]),
        FeatureService(name="flights_schedule_v1", features=[framed]),
    ]
    return [*entities.values(), *views.values(), framed, schedule, *services]


def _on_demand(name: str, request: RequestSource, mode: str, compute: Callable[..., Any]) -> OnDemandFeatureView:
    return OnDemandFeatureView(
        name=name,
        sources=[request],
        schema=[Field(name=feature, dtype=Float64) for feature in SCHEDULE_FEATURES],
        mode=mode,
        udf=cast(FunctionType, compute),
        udf_string=inspect.getsource(compute),
    )


def _view(name: str, entities: Mapping[str, Entity], root: Path) -> FeatureView:
    key, time_to_live, features = VIEWS[name]
    return FeatureView(
        name=name,
        entities=[entities[key]],
        ttl=time_to_live,
        tags={"handrail.expected": "true"} if name in EXPECTED else {},
        schema=[
            Field(name=key, dtype=String),
            *(Field(name=feature, dtype=String if feature in TEXTS else Float64) for feature in features),
        ],
        source=FileSource(
            name=f"{name}_table",
            path=str(root / f"{name}.parquet"),
            timestamp_field="event_timestamp",
            created_timestamp_column="created" if name == "weather" else "",
        ),
    )
