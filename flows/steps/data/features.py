"""Stage features: make the feature tables, then the training and validation rows through the feature store."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import polars as pl

from flows.steps.data.feature_tables import build_tables
from flows.steps.data.flight_times import with_times
from flows.steps.data.labels import read_labels
from flows.steps.data.snapshots import Labels
from flows.steps.data.training_rows import TrainingRows, read_validated, require_service
from flows.steps.project.outputs import fresh_folder, write_parquet
from flows.steps.project.params import read_params
from handrail.use_case import read_use_case

TABLES = ("flights", "weather", "planes", "airports")
CATEGORICAL = ("carrier", "origin", "dest")
IDENTITY = ("flight_id", "event_timestamp", "day", "carrier", "origin", "dest", "tailnum")


def run(project: Path) -> None:
    """Write data/features and data/training of `project`; needs no server and registers nothing outside.

    Raises:
        InvalidInput: a validated table or the labels snapshot is missing, or a window has no labelled flight.
    """
    validated = {name: read_validated(project, name) for name in TABLES}
    rows, timed, labels = _rows(project, validated)
    rows.choose(timed.join(labels.rows, on="flight_id"), labels)
    with fresh_folder(project / "data" / "features") as folder:
        for name, table in build_tables(**validated, until=rows.params.as_of).items():
            write_parquet(table, folder / f"{name}.parquet")
    rows.write(project, timed, labels)


def read_window(project: Path, window: str, service: str) -> pl.DataFrame:
    """Return the rows of a window (train or validate) with the features of another feature service, from data/features.

    Raises:
        UnknownReference: config/use_case.yaml has no set with that service.
        InvalidInput: a validated table or the labels snapshot is missing, or a window has no labelled flight.
    """
    require_service(read_use_case(project), service)
    rows, timed, labels = _rows(project, {name: read_validated(project, name) for name in ("flights", "airports")})
    return rows.read_window(project, timed, labels, window, service)


def _rows(project: Path, validated: Mapping[str, pl.DataFrame]) -> tuple[TrainingRows, pl.DataFrame, Labels]:
    params, use_case = read_params(project), read_use_case(project)
    timed = with_times(validated["flights"], validated["airports"]).with_columns(day=pl.col("local_day"))
    labels = read_labels(timed, params.go_live, project, params.labels_snapshot, use_case)
    return TrainingRows(use_case, params, IDENTITY, CATEGORICAL, entity_rows), timed, labels


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
