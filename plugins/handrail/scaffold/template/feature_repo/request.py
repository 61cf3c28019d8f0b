"""What a request says, as features: the one computation that training and serving share.

A field travels under a name that says how it is read: `number__<field>`, `text__<field>`, or `moment__<field>`, whole
seconds on the local clock, so that no tool on the way can reinterpret a time zone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import pandas as pd

from handrail.use_case import RequestField, UseCase

if TYPE_CHECKING:
    import polars as pl

MOMENT_FEATURES = ("minute_of_day", "weekday")
"""What is made of a moment; Monday is 1. There is no month on purpose: it would be learned by heart."""


def request_features(inputs: pd.DataFrame) -> pd.DataFrame:
    """Turn the fields of requests into features, row by row. A feature that you compute from others belongs here."""
    features = {}
    for column in inputs.columns:
        kind, _, name = column.partition("__")
        if kind == "number":
            features[name] = inputs[column].astype("float64")
        elif kind == "text":
            features[name] = inputs[column].astype(object)
        elif kind == "moment":
            seconds = inputs[column].astype("float64")
            features[f"{name}_minute_of_day"] = seconds // 60 % 1440
            features[f"{name}_weekday"] = (seconds // 86400 + 3) % 7 + 1
    return pd.DataFrame(features)


def asked_as(name: str, field: RequestField) -> str:
    """Return the name under which a field travels."""
    return f"{ {'text': 'text', 'moment': 'moment'}.get(field.type, 'number') }__{name}"


def features_of(name: str, field: RequestField) -> tuple[str, ...]:
    """Return the features that a field gives."""
    return tuple(f"{name}_{part}" for part in MOMENT_FEATURES) if field.type == "moment" else (name,)


def ask(rows: pl.DataFrame, use_case: UseCase, fields: Sequence[str]) -> pl.DataFrame:
    """Return those fields of the rows as they travel."""
    import polars as pl

    columns = []
    for name in fields:
        field, value = use_case.request[name], pl.col(name)
        if field.type == "moment":
            value = value.dt.convert_time_zone(use_case.time.zone).dt.replace_time_zone(None).dt.epoch("s")
        columns.append(value.cast(pl.String if field.type == "text" else pl.Float64).alias(asked_as(name, field)))
    return rows.select(columns)


def ask_items(
    items: Sequence[Mapping[str, object]], use_case: UseCase, fields: Sequence[str]
) -> dict[str, list[object]]:
    """Return those fields of request items as they travel, a list a field."""
    import polars as pl

    kinds = {
        "text": pl.String(),
        "moment": pl.Datetime("us", "UTC"),
        "whole": pl.Int64(),
        "number": pl.Float64(),
        "truth": pl.Boolean(),
    }
    schema = {name: kinds[use_case.request[name].type] for name in fields}
    rows = pl.DataFrame({name: [item[name] for item in items] for name in fields}, schema=schema)
    return ask(rows, use_case, fields).to_dict(as_series=False)
