"""Where a flight's label comes from: the raw table up to go-live, an exported feedback snapshot after it."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import polars as pl

from flows.steps.data.flight_times import is_late
from flows.steps.data.snapshots import Labels, with_snapshot
from flows.steps.project.params import LabelsSnapshot
from handrail.use_case import UseCase


def read_labels(
    timed: pl.DataFrame, go_live: datetime, project: Path, snapshot: LabelsSnapshot | None, use_case: UseCase
) -> Labels:
    """Label flights: from `arr_delay` if it was known at `go_live`, later ones only if the snapshot has them.

    Raises:
        InvalidInput: the snapshot is missing, is not the one that params.yaml names, or is not a snapshot.
    """
    known = timed.filter(pl.col("arr_known_ts") <= go_live)
    raw = known.select("flight_id", late=is_late()).drop_nulls("late")
    return with_snapshot(raw, timed, project, snapshot, use_case)
