"""What was known of each entity at the beginning of a day: how many labels, and their mean or the share of each class.

A table made from what was known at a moment equals, up to that moment, the table made from everything.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import polars as pl

from feature_repo.sets import history_features
from flows.steps.data.table import label_values
from flows.steps.project.outputs import write_json, write_parquet
from handrail.use_case import UseCase

SPAN = "28d"


def write_tables(rows: pl.DataFrame, until: datetime, use_case: UseCase, folder: Path) -> None:
    """Write every feature table below `folder`; no row is stamped, and no label used, later than `until`."""
    tables = {f"{entity}_history": history(rows, entity, use_case) for entity in use_case.entities}
    for name, table in tables.items():
        write_parquet(table.filter(pl.col("event_timestamp") <= until), folder / f"{name}.parquet")
    write_json(folder / "tables.json", {"tables": sorted(tables), "until": until.isoformat()})


def history(rows: pl.DataFrame, entity: str, use_case: UseCase) -> pl.DataFrame:
    """Return the labels of the last 28 days of each entity, a row for each day before which one became known.

    A label that becomes known during a day (UTC) counts from the next midnight on.
    """
    known, label = use_case.time.known, use_case.label.column
    classes = range(len(use_case.label.classes or ()))
    count, *means = history_features(entity)
    values = [(pl.col(label) == code).cast(pl.Float64) for code in classes] or [pl.col(label).cast(pl.Float64)]
    stamped = (
        rows.with_columns(label_values(use_case))
        .drop_nulls([entity, known, label])
        .select(
            entity,
            event_timestamp=pl.col(known).dt.truncate("1d").dt.offset_by("1d"),
            **{count: pl.lit(1.0)},
            **dict(zip(means, values, strict=True)),
        )
    )
    daily = stamped.group_by(entity, "event_timestamp").agg(pl.all().sum()).sort(entity, "event_timestamp")
    sums = daily.rolling("event_timestamp", period=SPAN, group_by=entity).agg(pl.col(count, *means).sum())
    return sums.with_columns(pl.col(name) / pl.col(count) for name in means).sort("event_timestamp", entity)
