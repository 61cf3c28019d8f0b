"""A window of the training data with the features of one model: an older one keeps the set that it learned from."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from handrail.errors import Refused, Unavailable, UnknownReference
from handrail.use_case import read_use_case

if TYPE_CHECKING:
    from handrail.scoring import Scorer

KEEP = "Keep its set in config/use_case.yaml and feature_repo, with the columns that it needs, until it is replaced."


def window_for(project: Path, window: str, scorer: Scorer, like: pl.DataFrame | None = None) -> pl.DataFrame:
    """Return the rows of data/training/`window`.parquet with each feature that a model needs.

    They are those of the training data if it has the model's feature set; else the features are read anew with the
    model's own. With `like` they are the same subjects in the same order.

    Raises:
        Unavailable: the project holds no training data.
        Refused: the model's feature set cannot be read any more.
    """
    folder = project / "data" / "training"
    file = folder / f"{window}.parquet"
    if not file.is_file():
        raise Unavailable(str(file), "there are no training rows to compare with", "Run: dvc repro features.")
    rows = pl.read_parquet(file)
    missing = [name for name in scorer.features if name not in rows.columns]
    if missing or _service(folder) != scorer.feature_service["name"]:
        rows = _read_anew(project, window, scorer, rows, missing)
    return rows if like is None else _in_order(project, rows, like)


def _service(folder: Path) -> str:
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    return str(manifest["feature_service"]["name"])


def _read_anew(project: Path, window: str, scorer: Scorer, trained: pl.DataFrame, missing: list[str]) -> pl.DataFrame:
    from flows.steps.data.features import read_window

    service = scorer.feature_service["name"]
    try:
        rows = read_window(project, window, service)
    except UnknownReference as err:
        if not missing:
            # A set that is gone gave nothing that this one does not give under the same names.
            return trained
        raise Refused(
            f"Scoring a model of the feature service {service!r}",
            (f"It needs {', '.join(missing)}, which the {window} rows lack.", str(err), KEEP),
        ) from err
    if gone := [name for name in scorer.features if name not in rows.columns]:
        reason = f"It needs {', '.join(gone)}, which its feature service does not give any more."
        raise Refused(f"Scoring a model of the feature service {service!r}", (reason, KEEP))
    return rows


def _in_order(project: Path, rows: pl.DataFrame, like: pl.DataFrame) -> pl.DataFrame:
    subject = read_use_case(project).subject.column
    return like.select(subject).join(rows, on=subject, how="left", maintain_order="left")
