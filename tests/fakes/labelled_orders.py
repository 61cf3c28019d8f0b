"""A small project about a shop's orders with any kind of label, and models for it: no word of it is of the flights."""

from __future__ import annotations

import functools
import json
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import yaml

from flows.steps.modelling import evaluate, train
from flows.steps.modelling.model_params import BoostingParams
from flows.steps.modelling.training_set import Manifest

MODELS = ("prior", "gradient_boosting")
SHOPS = ("harbour", "market", "station")
SIZES = ("small", "medium", "large")
LABELS: dict[str, dict[str, Any]] = {
    "binary": {"column": "returned", "positive": "returned", "negative": "kept"},
    "multiclass": {"column": "size", "classes": list(SIZES)},
    "regression": {"column": "weight", "unit": "grams"},
    "count": {"column": "items", "unit": "items"},
}
MAIN = {"binary": "roc_auc", "multiclass": "accuracy", "regression": "mae", "count": "poisson_deviance"}
PARAMS = {
    "model": dict(max_iter=15, learning_rate=0.2, max_leaf_nodes=8, min_samples_leaf=20, l2_regularization=1.0, seed=0),
    "intervals": {"draws": 30, "seed": 0},
    "evaluate": {"smallest_slice": 20, "sampled_rows": 200},
    "package": {"largest_difference": 1e-5},
}


def write_orders(folder: Path, kind: str, rows: int = 600, **changes: Any) -> Path:
    """Write description, params.yaml, dvc.yaml and data/ for `rows` training orders and half as many to validate."""
    for below in ("config", "data/training", "data/features"):
        (folder / below).mkdir(parents=True)
    params = PARAMS | ({"package": {"threshold": 0.4, "largest_difference": 1e-5}} if kind == "binary" else {})
    stages = {"train": {"cmd": "none", "deps": ["data/training"], "params": ["model", "intervals"]}}
    _write_yaml(folder / "config" / "use_case.yaml", description(kind) | changes)
    _write_yaml(folder / "config" / "handrail.yaml", {"repository": "orders-test"})
    _write_yaml(folder / "params.yaml", params)
    _write_yaml(folder / "dvc.yaml", {"stages": stages})
    counts = {"train": rows, "validate": rows // 2}
    for seed, (split, count) in enumerate(counts.items()):
        orders(kind, count, seed).write_parquet(folder / "data" / "training" / f"{split}.parquet")
    pl.DataFrame({"rain": [1.0]}).write_parquet(folder / "data" / "features" / "sky.parquet")
    manifest = {
        "feature_service": {"name": "orders_v1", "spec_hash": "5" * 64},
        "features": ["shop", "price", "rain"],
        "categorical": ["shop"],
        "rows": counts,
    }
    (folder / "data" / "training" / "manifest.json").write_text(json.dumps(manifest))
    return folder


def description(kind: str) -> dict[str, Any]:
    """Return config/use_case.yaml of the orders."""
    return {
        "version": 1,
        "name": "orders",
        "question": "What happens to an order?",
        "subject": {"column": "order_id", "one": "order", "many": "orders"},
        "time": {"known": "known_at", "day": "week"},
        "label": {"kind": kind, **LABELS[kind]},
        "request": {"order_id": {"type": "text"}},
        "features": {"default": "all", "sets": {"all": "orders_v1"}},
        "slices": ["shop"],
        "cluster": "week",
        "metrics": {"main": MAIN[kind], "margin": 0.0},
    }


def orders(kind: str, count: int, seed: int) -> pl.DataFrame:
    """Make orders over eight weeks: the price makes the label, and does so least of all in the harbour."""
    source = np.random.default_rng(seed)
    shop, price = source.choice(SHOPS, count), source.normal(size=count)
    pull = price * np.where(shop == "harbour", 0.1, 1.5) + 0.3 * source.normal(size=count)
    week = source.integers(0, 8, count)
    label = {
        "binary": (pull > 0).astype(np.int8),
        "multiclass": np.array(SIZES)[np.digitize(pull, (-0.5, 0.5))],
        "regression": 2000 + 300 * pull,
        "count": source.poisson(np.exp(1 + 0.7 * pull)),
    }[kind]
    return pl.DataFrame(
        {
            "order_id": [f"o{place}" for place in range(count)],
            "day": [date(2024, 1, 1) + timedelta(weeks=int(number)) for number in week],
            "week": [f"2024-W{number + 1:02}" for number in week],
            "shop": shop,
            "price": price,
            "rain": pl.Series(np.where(source.random(count) < 0.3, np.nan, source.random(count))).fill_nan(None),
            LABELS[kind]["column"]: label,
        }
    )


def slice_values(rows: pl.DataFrame) -> dict[str, np.ndarray]:
    """Return the shop of each order."""
    return {"shop": rows["shop"].to_numpy()}


def build(kind: str, name: str, manifest: Manifest, boosting: BoostingParams) -> Any:
    """Return the unfitted model of that name for that kind of label."""
    from sklearn.compose import ColumnTransformer
    from sklearn.dummy import DummyClassifier, DummyRegressor
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
    from sklearn.pipeline import Pipeline
    from sklearn.preprocessing import FunctionTransformer, OrdinalEncoder

    classified = kind in ("binary", "multiclass")
    if name == "prior":
        return Pipeline([("model", DummyClassifier(strategy="prior") if classified else DummyRegressor())])
    codes = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=np.nan, dtype=np.float32)
    rounded = FunctionTransformer(np.float32, feature_names_out="one-to-one")
    encode = ColumnTransformer(
        [("categories", codes, list(manifest.categorical)), ("numbers", rounded, list(manifest.numeric))],
        verbose_feature_names_out=False,
    )
    growing = {"early_stopping": False, "categorical_features": None, **boosting.for_estimator()}
    if classified:
        return Pipeline([("encode", encode), ("model", HistGradientBoostingClassifier(**growing))])
    loss = "poisson" if kind == "count" else "squared_error"
    return Pipeline([("encode", encode), ("model", HistGradientBoostingRegressor(loss=loss, **growing))])


def with_candidates_of(kind: str, patch: pytest.MonkeyPatch) -> None:
    """Put the orders' models and slices where a project has its own."""
    patch.setattr(train, "MODELS", MODELS)
    patch.setattr(train, "build", functools.partial(build, kind))
    patch.setattr(evaluate, "slice_values", slice_values)


def _write_yaml(file: Path, values: dict[str, Any]) -> None:
    file.write_text(yaml.safe_dump(values))
