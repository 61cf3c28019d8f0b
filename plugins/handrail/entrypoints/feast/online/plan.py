"""What a feature service needs from its views and from a request, worked out once instead of at each read.

What is not covered here (views under other join keys, versions, transformations of stored features) has no plan:
Feast's own path reads it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from feast import OnDemandFeatureView
from feast.protos.feast.types.EntityKey_pb2 import EntityKey
from feast.type_map import python_values_to_proto_values
from feast.value_type import ValueType

from handrail.errors import Misconfigured

FRESH_TAG = "handrail.fresh_s"
EXPECTED_TAG = "handrail.expected"
DEFAULT_TAG = "handrail.default"

Key = tuple[Any, ...]
"""The values of a view's join keys."""

_WHOLE = frozenset({"int32_val", "int64_val"})
_REAL = frozenset({"double_val", "float_val"})


@dataclass(frozen=True, slots=True)
class Stored:
    """One view as a service takes it.

    `kinds` are the fields of Feast's value that hold its features. A row counts for `fresh_s` seconds; None: for good.
    Where rows are `expected`, a key that is given and has no fresh one lacks what it should have.
    """

    view: Any
    keys: tuple[str, ...]
    key_types: tuple[ValueType, ...]
    features: tuple[str, ...]
    kinds: tuple[str, ...]
    fresh_s: float | None
    expected: bool
    defaults: Mapping[str, Any]

    @property
    def name(self) -> str:
        """The view's name."""
        return str(self.view.name)

    def entity_key(self, key: Key) -> EntityKey:
        """Return a key as Feast writes it."""
        values = [python_values_to_proto_values([one], of)[0] for one, of in zip(key, self.key_types, strict=True)]
        return EntityKey(join_keys=list(self.keys), entity_values=values)


@dataclass(frozen=True, slots=True)
class Computed:
    """One on-demand view: `compute` is the function that is registered, which training calls too.

    It takes and gives lists by name, or where it is `framed` a frame.
    """

    name: str
    inputs: Mapping[str, str]
    features: tuple[str, ...]
    compute: Callable[[Any], Any]
    framed: bool

    def columns(self, asked: Mapping[str, Sequence[Any]]) -> dict[str, list[Any]]:
        """Return its features of the fields of a request, each a list."""
        if not self.framed:
            made = self.compute({name: asked[name] for name in self.inputs})
            return {name: list(made[name]) for name in self.features}
        made = self.compute(pd.DataFrame({name: _typed(asked[name], kind) for name, kind in self.inputs.items()}))
        return {name: made[name].tolist() for name in self.features}


@dataclass(frozen=True, slots=True)
class Plan:
    """All that a service reads and computes, and the join keys that it needs."""

    stored: tuple[Stored, ...]
    computed: tuple[Computed, ...]

    @property
    def limits(self) -> dict[str, float]:
        """How long each stored feature counts, in seconds; a feature that counts for good is not in it."""
        return {name: one.fresh_s for one in self.stored if one.fresh_s is not None for name in one.features}


def plan_of(store: Any, service: Any) -> Plan | None:
    """Work out what `service` needs of `store`; None if it needs what only Feast's own path can do.

    Raises:
        Misconfigured: a tag of a view or of a feature holds no number.
    """
    if getattr(service, "precompute_online", False) or store.config.registry.enable_online_feature_view_versioning:
        return None
    stored: list[Stored] = []
    computed: list[Computed] = []
    for projection in service.feature_view_projections:
        view = store.registry.get_any_feature_view(projection.name, store.project)
        if projection.join_key_map or projection.version_tag is not None:
            return None
        names = tuple(feature.name for feature in projection.features)
        if isinstance(view, OnDemandFeatureView):
            if not _is_plain(view):
                return None
            computed.append(_computed(view, names))
        else:
            stored.append(_stored(view, names))
    return Plan(tuple(stored), tuple(computed))


def kind_of(value_type: ValueType) -> str:
    """Return the field of Feast's value that holds values of a type."""
    return f"{value_type.name.lower()}_val"


def _is_plain(view: OnDemandFeatureView) -> bool:
    """Say whether a view computes from the request alone, all rows at once."""
    from_rows = view.source_feature_view_projections or view.aggregations or view.write_to_online_store
    return view.mode in ("pandas", "python") and not from_rows and not view.singleton


def _computed(view: OnDemandFeatureView, names: tuple[str, ...]) -> Computed:
    inputs = {name: kind_of(of) for name, of in view.get_request_data_schema().items()}
    compute: Any = view.feature_transformation
    return Computed(view.name, inputs, names, compute.udf, framed=view.mode == "pandas")


def _stored(view: Any, names: tuple[str, ...]) -> Stored:
    fields = {field.name: field for field in view.features}
    columns = sorted(view.entity_columns, key=lambda column: column.name)
    tags = view.tags or {}
    ttl = view.ttl.total_seconds() if view.ttl else None
    limit = _number(view.name, FRESH_TAG, tags[FRESH_TAG]) if FRESH_TAG in tags else None
    kinds = tuple(kind_of(fields[name].dtype.to_value_type()) for name in names)
    return Stored(
        view=view,
        keys=tuple(column.name for column in columns),
        key_types=tuple(column.dtype.to_value_type() for column in columns),
        features=names,
        kinds=kinds,
        fresh_s=min((each for each in (ttl, limit) if each), default=None),
        expected=tags.get(EXPECTED_TAG, "").lower() == "true",
        defaults={
            name: _default(view.name, name, kind, fields[name].tags[DEFAULT_TAG])
            for name, kind in zip(names, kinds, strict=True)
            if DEFAULT_TAG in (fields[name].tags or {})
        },
    )


def _default(view: str, name: str, kind: str, text: str) -> Any:
    if kind in _REAL | _WHOLE:
        number = _number(f"{view}:{name}", DEFAULT_TAG, text)
        return int(number) if kind in _WHOLE else number
    if kind == "bool_val":
        return text.lower() == "true"
    return text


def _number(of: str, tag: str, text: str) -> float:
    try:
        return float(text)
    except ValueError as err:
        raise Misconfigured(f"the tag {tag} of {of}", f"it is {text!r}, and no number", "Write a number.") from err


def _typed(values: Sequence[Any], kind: str) -> np.ndarray:
    """Return a request's column with the type that Feast gives it: pandas would guess it from the values."""
    if kind in _WHOLE and all(value is not None for value in values):
        return np.array(values, dtype=np.int64 if kind == "int64_val" else np.int32)
    if kind in _WHOLE | _REAL:
        return np.array(values, dtype=np.float32 if kind == "float_val" else np.float64)
    return np.array(values, dtype=object)
