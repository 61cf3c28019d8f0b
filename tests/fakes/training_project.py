"""A small project with the outputs of the features stage: made-up flights, no feature store, no download."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl

REPOSITORY = Path(__file__).parents[2]
PARAMS = """
model: {max_iter: 20, learning_rate: 0.1, max_leaf_nodes: 15, min_samples_leaf: 20, l2_regularization: 1.0, seed: 0}
intervals: {draws: 50, seed: 0}
evaluate: {smallest_slice: 60, sampled_rows: 300}
package: {threshold: 0.4, largest_difference: 1.0e-5}
"""
DVC = """
stages:
  train: {cmd: none, deps: [data/training], params: [model, intervals]}
"""
CATEGORIES = {"carrier": ["AA", "B6", "UA"], "origin": ["EWR", "JFK", "LGA"], "dest": ["BOS", "MIA", "ORD", "SFO"]}
NUMBERS = ("temp", "wind_gust", "origin_dep_delay_3h", "minute_of_day")


def write_project(folder: Path, rows: int = 1500) -> Path:
    """Write params.yaml, dvc.yaml and data/ for `rows` training flights and half as many to validate."""
    (folder / "config").mkdir(parents=True)
    (folder / "config" / "handrail.yaml").write_text("repository: flights-test\n")
    shutil.copyfile(REPOSITORY / "config" / "use_case.yaml", folder / "config" / "use_case.yaml")
    (folder / "params.yaml").write_text(PARAMS)
    (folder / "dvc.yaml").write_text(DVC)
    training, features = folder / "data" / "training", folder / "data" / "features"
    training.mkdir(parents=True)
    features.mkdir()
    counts = {"train": rows, "validate": rows // 2}
    for seed, (split, count) in enumerate(counts.items()):
        flights(count, date(2013, 6 + seed, 1), seed).write_parquet(training / f"{split}.parquet")
    pl.DataFrame({"temp": [1.0], "wind_gust": [1.0]}).write_parquet(features / "weather.parquet")
    pl.DataFrame({"origin_dep_delay_3h": [1.0]}).write_parquet(features / "origin_ops.parquet")
    manifest = {
        "feature_service": {"name": "flights_v1", "spec_hash": "5" * 64},
        "views": {},
        "features": [*CATEGORIES, *NUMBERS],
        "categorical": list(CATEGORIES),
        "label": "late",
        "rows": counts,
        "labels": {"raw": rows + rows // 2, "snapshot": 0, "digest": None},
    }
    (training / "manifest.json").write_text(json.dumps(manifest))
    return folder


def flights(count: int, first: date, seed: int) -> pl.DataFrame:
    """Make `count` flights over 20 days; delays before and late hours make a flight late, gusts are often missing."""
    source = np.random.default_rng(seed)
    days = [first + timedelta(days=int(value)) for value in np.sort(source.integers(0, 20, count))]
    chosen = {name: source.choice(texts, count) for name, texts in CATEGORIES.items()}
    delay, minute = source.exponential(20, count), source.integers(5 * 60, 23 * 60, count)
    chance = 1 / (1 + np.exp(-(delay / 15 + minute / 300 - 5 + (chosen["carrier"] == "UA"))))
    gust = np.where(source.random(count) < 0.6, np.nan, source.normal(20, 5, count))
    carrier, origin = chosen["carrier"], chosen["origin"]
    return pl.DataFrame(
        {
            "flight_id": [
                f"{when}:{carrier[i]}:{i}:{minute[i] // 60:02}{minute[i] % 60:02}:{origin[i]}"
                for i, when in enumerate(days)
            ],
            "event_timestamp": [datetime(2013, 6, 1, tzinfo=UTC)] * count,
            "day": days,
            **{name: [None if source.random() < 0.01 else str(text) for text in of] for name, of in chosen.items()},
            "tailnum": ["N1"] * count,
            "temp": source.normal(60, 15, count).round(2),
            "wind_gust": pl.Series(gust).fill_nan(None),
            "origin_dep_delay_3h": pl.Series(np.where(source.random(count) < 0.1, np.nan, delay)).fill_nan(None),
            "minute_of_day": minute.astype(np.float64),
            "late": (source.random(count) < chance).astype(np.int8),
        }
    )
