"""The tables that reports of a month are made of: its predictions with features, and the reference beside them."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from flows.steps.data.live import open_live
from flows.steps.monitoring.drift import DAY
from flows.steps.monitoring.month import Forecasts, Month
from flows.steps.project.outputs import write_parquet
from flows.steps.release.history import open_history, point_in_time
from flows.steps.release.own_features import window_for
from handrail.errors import Misconfigured, MissingFile, Unavailable
from handrail.files import replacing, sha256_of
from handrail.settings import Settings
from handrail.use_case import UseCase

if TYPE_CHECKING:
    from handrail.scoring import Scorer

SUBJECT = "subject"
KEPT, JOINED, NOWHERE = "kept", "joined", "nowhere"


@dataclass(frozen=True, slots=True)
class Shown:
    """The features that reports show: columns of a feature service; `scored` is the folder of whole scored months."""

    columns: tuple[str, ...]
    service: str
    scored: Path | None = None


@dataclass(frozen=True)
class MonthFeatures:
    """`SUBJECT` and the features of a month's subjects, and where they are from: `KEPT`, `JOINED` or `NOWHERE`.

    Where they are from nowhere, `rows` is None and `reason` says why.
    """

    rows: pl.DataFrame | None
    origin: str
    reason: str | None = None


def read_features(
    settings: Settings, case: UseCase, month: Month, forecasts: pl.DataFrame, shown: Shown
) -> MonthFeatures:
    """Return the features of a month's subjects.

    They are kept beside the scores of whole months. Else they are joined as they were known, for those subjects that
    the project's own tables hold. Reports show features and no finding needs them: without a recorded time after
    go-live, or without the table, there are none.
    """
    column = case.subject.column
    file = shown.scored / f"{month.name}.parquet" if shown.scored else None
    if file is not None and file.is_file() and {column, *shown.columns} <= set(pl.read_parquet_schema(file)):
        kept = pl.read_parquet(file, columns=[column, *shown.columns])
        return MonthFeatures(kept.select(pl.col(column).cast(pl.String).alias(SUBJECT), *shown.columns), KEPT)
    try:
        live = open_live(settings)
    except (Misconfigured, MissingFile) as err:
        return MonthFeatures(None, NOWHERE, str(err))
    asked = forecasts.select(pl.col(SUBJECT).alias("asked_about"))
    rows = live.rows.with_columns(pl.col(column).cast(pl.String).alias("asked_about")).join(asked, on="asked_about")
    if rows.is_empty():
        return MonthFeatures(None, NOWHERE, f"The table holds none of the {case.subject.many} of {month.name}.")
    known = point_in_time(open_history(settings, live.features), rows.drop("asked_about"), shown.service)
    return MonthFeatures(known.select(pl.col(column).cast(pl.String).alias(SUBJECT), *shown.columns), JOINED)


def read_reference(settings: Settings, case: UseCase, window: str, scorer: Scorer, tree_digest: str) -> pl.DataFrame:
    """Return the features and scores of a window of the training data, scored by the model that is judged.

    They have the local `DAY` of each row too, null where the rows have no time.

    Scores are kept under home/monitoring/reference, named by the digests of what they were made from.

    Raises:
        Unavailable: the project holds no training data.
    """
    file = settings.project / "data" / "training" / f"{window}.parquet"
    if not file.is_file():
        raise Unavailable(str(file), "there are no training rows to compare with", "Run: dvc repro features.")
    name = hashlib.sha256(json.dumps([tree_digest, sha256_of(file), DAY]).encode()).hexdigest()[:16]
    kept = settings.home / "monitoring" / "reference" / f"{window}-{name}.parquet"
    if not kept.is_file():
        rows = window_for(settings.project, window, scorer)
        scores = scorer.score({column: rows[column].to_list() for column in scorer.features})
        with replacing(kept) as beside:
            kept_rows = rows.select(*scorer.features, local_day(rows, case))
            write_parquet(kept_rows.with_columns(score=pl.Series(scores.astype(float))), beside)
    return pl.read_parquet(kept)


def read_validated(settings: Settings, case: UseCase, scorer: Scorer) -> pl.DataFrame | None:
    """Return the rows on which a model was validated: score, predicted, outcome and `DAY`; None without them."""
    if not (settings.project / "data" / "training" / "validate.parquet").is_file():
        return None
    rows = window_for(settings.project, "validate", scorer)
    if case.label.column not in rows.columns:
        return None
    answered = scorer.answer({column: rows[column].to_list() for column in scorer.features})
    outcome = pl.col(case.label.column)
    if case.label.classes is not None and rows[case.label.column].dtype == pl.String:
        codes = {name: code for code, name in enumerate(case.label.classes)}
        outcome = outcome.replace_strict(codes, default=None)
    return rows.select(
        local_day(rows, case),
        outcome.cast(pl.Float64).alias("outcome"),
        score=pl.Series(answered.score.astype(float)),
        predicted=pl.Series(answered.label),
    )


def local_day(rows: pl.DataFrame, case: UseCase) -> pl.Expr:
    """Return the column `DAY` of rows: the local day of their event time, null where they have none."""
    if case.time.event not in rows.columns:
        return pl.lit(None, pl.Date).alias(DAY)
    return pl.col(case.time.event).dt.convert_time_zone(case.time.zone).dt.date().alias(DAY)


def with_days(forecasts: pl.DataFrame, case: UseCase) -> pl.DataFrame:
    """Return forecasts with the local `DAY` on which each was made."""
    return forecasts.with_columns(pl.col("made_at").dt.convert_time_zone(case.time.zone).dt.date().alias(DAY))


def tables_for_reports(
    forecasts: Forecasts, features: pl.DataFrame | None, reference: pl.DataFrame
) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """Return the current, the reference and the judged table for the reports; without features, scores only."""
    known = pl.when("mature").then(pl.col("outcome").is_not_null().cast(pl.Float64))
    current = forecasts.rows.select(SUBJECT, "score", known=known)
    judged = forecasts.rows.filter("mature").drop_nulls("outcome").select("score", "outcome", "predicted")
    if features is None:
        return current.drop(SUBJECT), reference.select("score"), judged
    return current.join(features, on=SUBJECT, how="inner").drop(SUBJECT), reference, judged
