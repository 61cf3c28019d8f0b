"""Stage features: make the feature tables, then the training and validation rows through the feature store."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from feature_repo.request import ask
from feature_repo.sets import SETS, USE_CASE
from flows.steps.data.feature_tables import write_tables
from flows.steps.data.labels import read_labels
from flows.steps.data.snapshots import Labels
from flows.steps.data.table import with_day
from flows.steps.data.training_rows import TrainingRows, read_validated, require_service
from flows.steps.project.outputs import fresh_folder
from flows.steps.project.params import DataParams, read_params
from handrail.use_case import UseCase, read_use_case


def run(project: Path) -> None:
    """Write data/features and data/training of `project`; needs no server and registers nothing outside.

    Raises:
        InvalidInput: the validated table or the labels snapshot is missing, or a window has no label.
    """
    params, use_case = read_params(project), read_use_case(project)
    rows, labels = _labelled(project, params, use_case)
    with fresh_folder(project / "data" / "features") as folder:
        write_tables(rows, params.as_of, use_case, folder)
    training = _training_rows(params, use_case, use_case.service_of(params.feature_set))
    training.write(project, rows.drop(use_case.label.column), labels)


def read_window(project: Path, window: str, service: str) -> pl.DataFrame:
    """Return the rows of a window (train or validate) with the features of another feature service, from data/features.

    Raises:
        UnknownReference: config/use_case.yaml has no set with that service.
        InvalidInput: the validated table or the labels snapshot is missing, or a window has no label.
    """
    params, use_case = read_params(project), read_use_case(project)
    require_service(use_case, service)
    rows, labels = _labelled(project, params, use_case)
    subjects = rows.drop(use_case.label.column)
    return _training_rows(params, use_case, service).read_window(project, subjects, labels, window, service)


def _labelled(project: Path, params: DataParams, use_case: UseCase) -> tuple[pl.DataFrame, Labels]:
    rows = with_day(read_validated(project, use_case.subject.many), use_case)
    return rows, read_labels(rows, params.go_live, project, params.labels_snapshot, use_case)


def _training_rows(params: DataParams, use_case: UseCase, service: str) -> TrainingRows:
    chosen = SETS[service]
    seen = (use_case.subject.column, use_case.time.event, use_case.time.day, *use_case.entities)
    identity = dict.fromkeys((*seen, *(name for name in use_case.slices if name not in chosen.fields)))
    return TrainingRows(use_case, params, tuple(identity), chosen.keys, entity_rows)


def entity_rows(rows: pl.DataFrame) -> pl.DataFrame:
    """Return what Feast is asked with: entity keys, `event_timestamp` and the request fields of each row."""
    fields = sorted({name for of in SETS.values() for name in of.fields})
    keys = rows.select(*USE_CASE.entities, event_timestamp=pl.col(USE_CASE.time.event))
    return pl.concat([keys, ask(rows, USE_CASE, fields)], how="horizontal")
