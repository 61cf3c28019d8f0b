"""Stage features: make the feature tables, then the training and validation rows through the feature store."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import polars as pl

from flows.steps.feature_tables import build_tables
from flows.steps.flight_times import with_times
from flows.steps.labels import Labels, read_labels
from flows.steps.outputs import fresh_folder, write_json, write_parquet
from flows.steps.params import DataParams, Window, read_params
from handrail.settings import load_settings

CATEGORICAL = ("carrier", "origin", "dest")
IDENTITY = ("flight_id", "event_timestamp", "day", "carrier", "origin", "dest", "tailnum")


def run(project: Path) -> None:
    """Write data/features and data/training of `project`; needs no server and registers nothing outside."""
    params = read_params(project)
    validated = {
        name: pl.read_parquet(project / "data" / "validated" / f"{name}.parquet")
        for name in ("flights", "weather", "planes", "airports")
    }
    with fresh_folder(project / "data" / "features") as folder:
        for name, table in build_tables(**validated, until=params.as_of).items():
            write_parquet(table, folder / f"{name}.parquet")
    timed = with_times(validated["flights"], validated["airports"]).with_columns(day=pl.col("local_day"))
    labels = read_labels(timed, params.go_live, project, params.labels_snapshot)
    with fresh_folder(project / "data" / "training") as folder:
        _write_training(project, params, timed.join(labels.rows, on="flight_id"), labels, folder)


def sample_days(rows: pl.DataFrame, share: float) -> pl.DataFrame:
    """Keep every k-th whole day, k = 1 / share: a day is kept whole or not at all."""
    keep_every = round(1 / share)
    return rows.filter(pl.col("day").cast(pl.Int32) % keep_every == 0)


def _write_training(project: Path, params: DataParams, rows: pl.DataFrame, labels: Labels, folder: Path) -> None:
    from feature_repo.definitions import SERVICE_OF_FEATURE_SET
    from feature_repo.store import apply, open_feature_store, service_identity

    with tempfile.TemporaryDirectory(prefix="handrail-features-") as private:
        store = open_feature_store(load_settings(project), project / "data" / "features", Path(private))
        apply(store)
        service = SERVICE_OF_FEATURE_SET[params.feature_set]
        windows = {
            "train": sample_days(_within(rows, params.train), params.share_of_days),
            "validate": _within(rows, params.validate),
        }
        frames = {name: _with_features(store, service, part) for name, part in windows.items()}
        identity = service_identity(store, service)
    for name, frame in frames.items():
        write_parquet(frame, folder / f"{name}.parquet")
    features = [name for name in frames["train"].columns if name not in IDENTITY and name != "late"]
    sources = pl.concat(windows.values()).get_column("source")
    write_json(
        folder / "manifest.json",
        {
            "feature_service": {"name": service, "spec_hash": identity["spec_hash"]},
            "views": identity["views"],
            "features": [*CATEGORICAL, *features],
            "categorical": list(CATEGORICAL),
            "label": "late",
            "rows": {name: frame.height for name, frame in frames.items()},
            "labels": {
                "raw": int((sources == "raw").sum()),
                "snapshot": int((sources == "snapshot").sum()),
                "snapshot_unmatched": labels.unmatched,
                "digest": labels.digest,
            },
        },
    )


def _within(rows: pl.DataFrame, window: Window) -> pl.DataFrame:
    inside = pl.col("day").is_between(window.start, window.end, closed="left")
    return rows.filter(inside).sort("event_timestamp", "flight_id")


def _with_features(store: Any, service: str, rows: pl.DataFrame) -> pl.DataFrame:
    from feature_repo.store import historical

    asked = entity_rows(rows)
    answer = pl.from_pandas(historical(store, asked.to_pandas(), service))
    features = [name for name in answer.columns if name not in asked.columns]
    return pl.concat([rows.select(*IDENTITY), answer.select(features), rows.select("late")], how="horizontal")


def entity_rows(timed: pl.DataFrame) -> pl.DataFrame:
    """Return what Feast is asked with: entity keys, `event_timestamp` and the request fields of each flight."""
    return timed.select(
        "origin",
        "carrier",
        "dest",
        "tailnum",
        "event_timestamp",
        sched_dep_s=pl.col("sched_dep_ts").dt.epoch("s"),
        sched_arr_s=pl.col("sched_arr_ts").dt.epoch("s"),
        distance=pl.col("distance").cast(pl.Float64),
    )
