"""Where a flight's label comes from: the raw table up to go-live, an exported feedback snapshot after it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import polars as pl

from flows.steps.data.flight_times import is_late
from flows.steps.project.params import LabelsSnapshot
from handrail.errors import InvalidInput
from handrail.files import sha256_of


@dataclass(frozen=True, slots=True)
class Labels:
    """`rows` has flight_id, late (Int8) and source (raw or snapshot), one row a labelled flight."""

    rows: pl.DataFrame
    digest: str | None
    unmatched: int


def read_labels(timed: pl.DataFrame, go_live: datetime, project: Path, snapshot: LabelsSnapshot | None) -> Labels:
    """Label flights: from `arr_delay` if it was known at `go_live`, later ones only if the snapshot has them.

    Raises:
        InvalidInput: the snapshot is missing, is not the one that params.yaml names, or is not a snapshot.
    """
    raw = (
        timed.filter(pl.col("arr_known_ts") <= go_live)
        .select("flight_id", late=is_late())
        .drop_nulls("late")
        .with_columns(source=pl.lit("raw"))
    )
    if snapshot is None:
        return Labels(raw, None, 0)
    given = read_snapshot(project, snapshot)
    known = given.join(timed.select("flight_id"), on="flight_id", how="semi")
    new = known.join(raw, on="flight_id", how="anti").with_columns(source=pl.lit("snapshot"))
    return Labels(pl.concat([raw, new]), f"sha256:{snapshot.digest}", given.height - known.height)


def read_snapshot(project: Path, snapshot: LabelsSnapshot) -> pl.DataFrame:
    """Read flight_id and late of an exported snapshot, after checking the sha256 of its bytes.

    Raises:
        InvalidInput: the file is missing or altered, lacks a column, repeats a flight or holds another label than 0, 1.
    """
    file = project / snapshot.path
    if not file.is_file():
        raise InvalidInput(snapshot.path, "the labels snapshot is missing", "Fetch it with `dvc pull` or export it.")
    found = sha256_of(file)
    if found != snapshot.digest:
        raise InvalidInput(
            snapshot.path,
            f"its sha256 is {found}, params.yaml says {snapshot.digest}",
            "Export the snapshot again, or write its digest into labels_snapshot.",
        )
    return _checked(snapshot.path, file)


def _checked(shown: str, file: Path) -> pl.DataFrame:
    remedy = "Export it with the feedback plugin."
    try:
        labels = pl.read_parquet(file, columns=["flight_id", "late"]).drop_nulls()
        labels = labels.select(pl.col("flight_id").cast(pl.String), pl.col("late").cast(pl.Int8))
    except pl.exceptions.PolarsError as err:
        raise InvalidInput(shown, "it is not a parquet file with flight_id and late", remedy) from err
    if not labels.get_column("late").is_in([0, 1]).all():
        raise InvalidInput(shown, "it holds a label other than 0 and 1", remedy)
    if labels.get_column("flight_id").is_duplicated().any():
        raise InvalidInput(shown, "it holds a flight twice", remedy)
    return labels
