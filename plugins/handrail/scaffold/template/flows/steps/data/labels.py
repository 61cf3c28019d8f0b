"""Where a label comes from: the table up to go-live, an exported feedback snapshot after it."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import polars as pl

from flows.steps.data.snapshots import Labels, with_snapshot
from flows.steps.data.table import label_values
from flows.steps.project.params import LabelsSnapshot
from handrail.use_case import UseCase


def read_labels(
    rows: pl.DataFrame, go_live: datetime, project: Path, snapshot: LabelsSnapshot | None, use_case: UseCase
) -> Labels:
    """Label rows: from the table if the label was known at `go_live`, later ones only if the snapshot has them.

    Raises:
        InvalidInput: the snapshot is missing, is not the one that params.yaml names, or is not a snapshot.
    """
    known = rows.filter(pl.col(use_case.time.known) <= go_live)
    raw = known.select(use_case.subject.column, label_values(use_case)).drop_nulls(use_case.label.column)
    return with_snapshot(raw, rows, project, snapshot, use_case)
