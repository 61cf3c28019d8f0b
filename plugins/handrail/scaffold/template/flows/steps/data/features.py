"""Stage features: make the feature tables, then the training and validation rows through the feature store."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from feature_repo.request import ask
from feature_repo.sets import SETS, USE_CASE
from flows.steps.data.feature_tables import write_tables
from flows.steps.data.labels import read_labels
from flows.steps.data.table import with_day
from flows.steps.data.training_rows import TrainingRows, read_validated
from flows.steps.project.outputs import fresh_folder
from flows.steps.project.params import read_params
from handrail.use_case import read_use_case


def run(project: Path) -> None:
    """Write data/features and data/training of `project`; needs no server and registers nothing outside.

    Raises:
        InvalidInput: the validated table or the labels snapshot is missing, or a window has no label.
    """
    params, use_case = read_params(project), read_use_case(project)
    rows = with_day(read_validated(project, use_case.subject.many), use_case)
    labels = read_labels(rows, params.go_live, project, params.labels_snapshot, use_case)
    chosen = SETS[use_case.service_of(params.feature_set)]
    seen = (use_case.subject.column, use_case.time.event, use_case.time.day, *use_case.entities)
    identity = dict.fromkeys((*seen, *(name for name in use_case.slices if name not in chosen.fields)))
    with fresh_folder(project / "data" / "features") as folder:
        write_tables(rows, params.as_of, use_case, folder)
    subjects = rows.drop(use_case.label.column)
    TrainingRows(use_case, params, tuple(identity), chosen.keys, entity_rows).write(project, subjects, labels)


def entity_rows(rows: pl.DataFrame) -> pl.DataFrame:
    """Return what Feast is asked with: entity keys, `event_timestamp` and the request fields of each row."""
    fields = sorted({name for of in SETS.values() for name in of.fields})
    keys = rows.select(*USE_CASE.entities, event_timestamp=pl.col(USE_CASE.time.event))
    return pl.concat([keys, ask(rows, USE_CASE, fields)], how="horizontal")
