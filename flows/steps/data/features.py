"""Stage features: make the feature tables, then the training and validation rows through the feature store."""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import polars as pl

from flows.steps.data.feature_tables import build_tables
from flows.steps.data.flight_times import with_times
from flows.steps.data.labels import Labels, read_labels
from flows.steps.project.outputs import fresh_folder, write_json, write_parquet
from flows.steps.project.params import DataParams, Window, read_params
from handrail.errors import InvalidInput, Unavailable
from handrail.settings import load_settings

CATEGORICAL = ("carrier", "origin", "dest")
IDENTITY = ("flight_id", "event_timestamp", "day", "carrier", "origin", "dest", "tailnum")


def run(project: Path) -> None:
    """Write data/features and data/training of `project`; needs no server and registers nothing outside.

    Raises:
        InvalidInput: a validated table or the labels snapshot is missing, or a window has no labelled flight.
    """
    params = read_params(project)
    validated = {name: _read_validated(project, name) for name in ("flights", "weather", "planes", "airports")}
    timed = with_times(validated["flights"], validated["airports"]).with_columns(day=pl.col("local_day"))
    labels = read_labels(timed, params.go_live, project, params.labels_snapshot)
    windows = choose_rows(timed.join(labels.rows, on="flight_id"), params)
    with fresh_folder(project / "data" / "features") as folder:
        for name, table in build_tables(**validated, until=params.as_of).items():
            write_parquet(table, folder / f"{name}.parquet")
    frames, identity = _read_features(project, params.feature_set, windows)
    with fresh_folder(project / "data" / "training") as folder:
        for name, frame in frames.items():
            write_parquet(frame, folder / f"{name}.parquet")
        write_json(folder / "manifest.json", _manifest(frames, identity, windows, labels))
    _record_origins(project / "data" / "training", frames)


def choose_rows(labelled: pl.DataFrame, params: DataParams) -> dict[str, pl.DataFrame]:
    """Return the labelled flights of the train and the validate window, in the order of their predictions.

    Raises:
        InvalidInput: a window is empty.
    """
    windows = {"train": params.train, "validate": params.validate_window}
    chosen = {name: _within(labelled, window) for name, window in windows.items()}
    chosen["train"] = sample_days(chosen["train"], params.share_of_days)
    for name, window in windows.items():
        if chosen[name].is_empty():
            problem = f"no labelled flight from {window.start} until {window.end}"
            raise InvalidInput(name, problem, "Move the window, as_of or go_live in params.yaml.")
    return chosen


def sample_days(rows: pl.DataFrame, share: float) -> pl.DataFrame:
    """Keep every k-th whole day, k the whole number nearest to 1 / share: a day is kept whole or not at all."""
    keep_every = round(1 / share)
    return rows.filter(pl.col("day").cast(pl.Int32) % keep_every == 0)


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


def _read_validated(project: Path, table: str) -> pl.DataFrame:
    shown = f"data/validated/{table}.parquet"
    if not (project / shown).is_file():
        raise InvalidInput(shown, "it is missing", "Make it with `dvc repro validate`.")
    try:
        return pl.read_parquet(project / shown)
    except pl.exceptions.PolarsError as err:
        raise InvalidInput(
            shown, "it is not a parquet file", "Make it again with `dvc repro --force validate`."
        ) from err


def _within(rows: pl.DataFrame, window: Window) -> pl.DataFrame:
    inside = pl.col("day").is_between(window.start, window.end, closed="left")
    return rows.filter(inside).sort("event_timestamp", "flight_id")


def _read_features(
    project: Path, feature_set: str, windows: Mapping[str, pl.DataFrame]
) -> tuple[dict[str, pl.DataFrame], dict[str, Any]]:
    """Ask a private store of this stage, gone when it ends, and return the rows and the service's identity."""
    from feature_repo.store import apply, open_feature_store, service_identity, service_of

    service = service_of(feature_set)
    with tempfile.TemporaryDirectory(prefix="handrail-features-") as private:
        store = open_feature_store(load_settings(project), project / "data" / "features", Path(private))
        try:
            apply(store)
            frames = {name: _with_features(store, service, rows) for name, rows in windows.items()}
            return frames, service_identity(store, service)
        except sqlite3.Error as err:
            raise Unavailable(private, f"the stage's own feature store failed: {err}", "Free the disk there.") from err


def _with_features(store: Any, service: str, rows: pl.DataFrame) -> pl.DataFrame:
    from feature_repo.store import historical
    from handrail.feast import same_rows

    asked = entity_rows(rows)
    read = historical(store, asked.to_pandas(), service)
    answer = pl.from_pandas(read)
    features = [name for name in answer.columns if name not in asked.columns]
    whole = pl.concat([rows.select(*IDENTITY), answer.select(features), rows.select("late")], how="horizontal")
    return same_rows(whole, of=read)


def _record_origins(folder: Path, frames: Mapping[str, pl.DataFrame]) -> None:
    """Record in lineage which retrieval each file's features are from."""
    from handrail.feast import record_file

    for name, frame in frames.items():
        record_file(folder / f"{name}.parquet", frame)


def _manifest(
    frames: Mapping[str, pl.DataFrame],
    identity: Mapping[str, Any],
    windows: Mapping[str, pl.DataFrame],
    labels: Labels,
) -> dict[str, Any]:
    sources = pl.concat(windows.values()).get_column("source")
    features = [name for name in frames["train"].columns if name not in IDENTITY and name != "late"]
    return {
        "feature_service": {"name": identity["name"], "spec_hash": identity["spec_hash"]},
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
    }
